/** `signer run --mode key-files`: key-file mode from its flags, as the user of a signer's ring. */
import type { Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { ask } from './api-server-client.ts';
import { type ApiServerFacts, apiServerFacts, type NoFacts, type ProofAccount } from './api-server-proof.ts';
import { assertGuardedKeys, assertOutside, textOf } from './host-files.ts';
import { KeyFiles } from './key-files.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { parseManifest } from './manifest.ts';
import { endedFault, outlookOf } from './proof-certificate.ts';
import { restartFor } from './restart.ts';
import { otherHost } from './this-host.ts';

export interface KeyFilesFlags {
  readonly folder: string;
  /** Null: an operator confirms each restart. */
  readonly kubeconfig: string | null;
  readonly account: ProofAccount;
  /** The manifest by which the API server may be restarted; null where it may not. */
  readonly restartManifest: string | null;
  readonly keepAutoExtension: boolean;
}

/** @throws MintmarkError `InvalidConfiguration` for a folder, kubeconfig or manifest that can not be used: better at the start than at a rotation. */
export async function openKeyFiles({ folder, kubeconfig, account, restartManifest, keepAutoExtension }: KeyFilesFlags, log: Logger): Promise<KeyFiles> {
  await assertGuardedKeys(folder, 'InvalidConfiguration');
  if (kubeconfig !== null) await assertProof(kubeconfig, log);
  if (restartManifest !== null) await assertManifest(restartManifest, folder);
  return new KeyFiles({
    folder, keepAutoExtension, log, now: () => new Date(),
    facts: kubeconfig === null ? null : () => factsBy(kubeconfig, account),
    restart: restartManifest === null ? null : (ring) => restartFor(restartManifest, folder, ring),
  });
}

/** Read each time, since its certificate is renewed; looked at each time, since names and addresses move. */
async function factsBy(kubeconfig: string, account: ProofAccount): Promise<ApiServerFacts | NoFacts> {
  const server = await readKubeconfig(kubeconfig);
  const fault = await otherHost(server);
  if (fault !== null) return { fault };
  const facts = await apiServerFacts(server, account, ask);
  return 'fault' in facts ? { fault: endedFault(server, kubeconfig, new Date()) ?? facts.fault } : facts;
}

/** That it is of this host. A certificate that ends soon, or has ended, is a warning: files are written all the same. */
async function assertProof(kubeconfig: string, log: Logger): Promise<void> {
  const server = await readKubeconfig(kubeconfig);
  const fault = await otherHost(server);
  if (fault !== null) throw new MintmarkError('InvalidConfiguration', `The kubeconfig ${kubeconfig} can not be used: ${fault}`);
  const { warning } = outlookOf(server, kubeconfig, new Date());
  if (warning !== null) log.warn(warning);
}

async function assertManifest(file: string, keyFolder: string): Promise<void> {
  try {
    await assertOutside(file, { 'key files': keyFolder });
    parseManifest(await textOf(file), file);
  } catch (error) {
    throw new MintmarkError('InvalidConfiguration', `The API server can not be restarted by ${file}: ${(error as Error).message.replace(/ Nothing was changed\.$/, '')}`, { cause: error });
  }
}
