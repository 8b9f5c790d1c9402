/**
 * The client certificate with which a signer with key files asks the API server for proof: it lives a year, and nobody
 * misses it before the next rotation, which then waits for this signer. So its end is told long before.
 */
import { X509Certificate } from 'node:crypto';
import { DAY } from '../domain/durations.ts';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import type { ApiServer } from './api-server-client.ts';
import { readKubeconfig } from './kubeconfig.ts';

export interface ProofOutlook {
  /** When the certificate ends; null where there is none, or none that can be read. */
  readonly endsAt: Date | null;
  /** What an operator has to do for that restarts can be proved; null for nothing. */
  readonly warning: string | null;
}

/** Seconds before its end at which a certificate is a warning; of one that lives shorter than three times that, a third of its life. */
const WARN_BEFORE = 30 * DAY;
const LAST_PART = 1 / 3;

/** As the file says now. Never rejects for what is in it. */
export async function proofOutlook(kubeconfig: string | null, now: Date): Promise<ProofOutlook> {
  if (kubeconfig === null) return { endsAt: null, warning: null };
  try {
    return outlookOf(await readKubeconfig(kubeconfig), kubeconfig, now);
  } catch (error) {
    if (!isMintmarkError(error)) throw error;
    return { endsAt: null, warning: `No restart of the API server can be proved. ${error.message}` };
  }
}

/** The same of a kubeconfig that was read. @throws MintmarkError `InvalidConfiguration` for a certificate that can not be read. */
export function outlookOf({ client }: Pick<ApiServer, 'client'>, kubeconfig: string, now: Date): ProofOutlook {
  if (client === null) return { endsAt: null, warning: null };
  const { validFromDate, validToDate: endsAt } = certificateOf(client.certificate, kubeconfig);
  const [left, life] = [endsAt.getTime() - now.getTime(), endsAt.getTime() - validFromDate.getTime()];
  if (left > Math.min(WARN_BEFORE * 1000, life * LAST_PART)) return { endsAt, warning: null };
  const when = left <= 0 ? `ended at ${endsAt.toISOString()}: no` : `ends at ${endsAt.toISOString()}: from then on no`;
  return { endsAt, warning: `The client certificate in the kubeconfig ${kubeconfig} ${when} restart of the API server can be proved, and rotations wait for this signer. Put a new one there, made as the first was. The signer reads the file anew each time, and needs no restart.` };
}

/** Why there is no proof, where the certificate has ended: the API server says no more than 401. */
export function endedFault(server: Pick<ApiServer, 'client'>, kubeconfig: string, now: Date): string | null {
  const { endsAt, warning } = outlookOf(server, kubeconfig, now);
  return endsAt !== null && endsAt <= now ? warning : null;
}

function certificateOf(pem: string, kubeconfig: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new MintmarkError('InvalidConfiguration', `The kubeconfig ${kubeconfig} can not be used: its client certificate can not be read.`);
  }
}
