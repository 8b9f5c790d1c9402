/** A restart of the API server that its key files ask for, in the words of the signer's log and of its `/healthz`. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { isMintmarkError } from '../domain/errors.ts';
import { pointText } from '../domain/ring-for-signer.ts';
import { DEFAULT_KEY_FOLDER, KEY_FILES } from './api-server-flags.ts';
import { type KeyFilesState, readState } from './key-files-state.ts';

/** Who restarts the API server, and how that becomes known. */
interface RestartWays {
  readonly folder: string;
  /** Whether the signer may restart it by its manifest. */
  readonly isAllowed: boolean;
  /** Whether the API server can be asked for proof; else an operator confirms. */
  readonly isProvable: boolean;
}

/** What has to be done, to whom it may concern. It begins with a small letter, as log lines do. */
export function restartInWords({ since, revoked }: Pick<KeyFilesState, 'since' | 'revoked'>, ways: RestartWays): string {
  const risk = riskOf(revoked);
  if (ways.isAllowed) return `the key files have changed, and the API server is to restart by its manifest.${risk === null ? '' : ` Until it has, ${risk}.`}${confirmation(since, ways)}`;
  return `the key files have changed: restart the API server, which reads them at its start only.${risk === null ? '' : ` Until then ${risk}: do it now.`}${confirmation(since, ways)}`;
}

/** Why the API server may not do as the files say, and what to do about it; null where it is known to. */
export async function keyFilesFault({ folder, kubeconfig, restartManifest }: { readonly folder: string; readonly kubeconfig: string | null; readonly restartManifest: string | null }): Promise<string | null> {
  try {
    const state = await readState(folder);
    if (state === null) return null;
    const hasKey = await access(join(folder, KEY_FILES.privateKey)).then(() => true, () => false);
    if (!hasKey) return `Of the key files in ${folder}, ${KEY_GONE}.`;
    return state.restartDue ? dueInWords(state, { folder, isAllowed: restartManifest !== null, isProvable: kubeconfig !== null }) : null;
  } catch (error) {
    if (!isMintmarkError(error)) throw error;
    return error.message;
  }
}

/** Once nothing may be signed any more. */
export const KEY_GONE = "sa.key is removed, and the API server can not start again with its present flags; run 'mintmark signer detach', or enrol this host anew";

function dueInWords(state: KeyFilesState, ways: RestartWays): string {
  const lacks = ways.isProvable ? " The signer's log says what is not proved yet." : '';
  if (state.proved !== null) return `${capitalised(restartInWords(state, ways))}${lacks}`;
  const risk = riskOf(state.revoked);
  return `The API server is not known to have read the key files of ${pointText(state.since)} in ${ways.folder}: attach it, or restart it if it is attached.${risk === null ? '' : ` Until then ${risk}: do it now.`}${confirmation(state.since, ways)}${lacks}`;
}

const riskOf = (revoked: readonly string[]): string | null => (revoked.length === 0 ? null : `it may still accept tokens of a revoked key, ${revoked.join(', ')}`);

/** For the version that the restart is for: later ones that ask for nothing more are confirmed with it. */
const confirmation = (since: KeyFilesState['since'], { folder, isProvable }: RestartWays): string =>
  (isProvable ? '' : ` Then run 'mintmark signer confirm-restart --version ${pointText(since)}${folder === DEFAULT_KEY_FOLDER ? '' : ` --key-folder ${folder}`}'.`);

const capitalised = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}`;
