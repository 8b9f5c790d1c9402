/** `signer run --mode key-files`: key-file mode from its flags, as the user of a signer's ring. */
import type { Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { ask } from './api-server-client.ts';
import { apiServerFacts, type ProofAccount } from './api-server-proof.ts';
import { assertGuardedKeys, assertOutside, textOf } from './host-files.ts';
import { KeyFiles } from './key-files.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { parseManifest } from './manifest.ts';
import { restartFor } from './restart.ts';

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
  if (kubeconfig !== null) await readKubeconfig(kubeconfig);
  if (restartManifest !== null) await assertManifest(restartManifest, folder);
  return new KeyFiles({
    folder, keepAutoExtension, log, now: () => new Date(),
    // Read each time: its certificate is renewed.
    facts: kubeconfig === null ? null : async () => apiServerFacts(await readKubeconfig(kubeconfig), account, ask),
    restart: restartManifest === null ? null : (point) => restartFor(restartManifest, folder, point),
  });
}

async function assertManifest(file: string, keyFolder: string): Promise<void> {
  try {
    await assertOutside(file, { 'key files': keyFolder });
    parseManifest(await textOf(file), file);
  } catch (error) {
    throw new MintmarkError('InvalidConfiguration', `The API server can not be restarted by ${file}: ${(error as Error).message.replace(/ Nothing was changed\.$/, '')}`, { cause: error });
  }
}
