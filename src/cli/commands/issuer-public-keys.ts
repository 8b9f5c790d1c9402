/** `issuer show-public-keys`: the public keys of an issuer as a key file of an API server. */
import type { KeyBody } from '../../http/management/contract.ts';
import { command } from '../command.ts';
import { failure } from '../errors.ts';
import { paths } from '../paths.ts';
import type { Report } from '../report.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';

export const publicKeysShown = command<ClusterFlags & { readonly file?: string }>({
  examples: ['mintmark issuer show-public-keys -g myResourceGroup -n myAKSCluster --file accepted.pub', 'mintmark issuer show-public-keys -g myResourceGroup -n myAKSCluster --output json'],
  options: [...CLUSTER_FLAGS, { flags: '-f, --file <file>', summary: 'File to write, whole or not at all, readable by all (0644); printed when left out' }],
  async run(session, { file, ...flags }) {
    const keys = await (await session.api()).list<KeyBody>(paths.issuerPart(await session.cluster(flags), 'keys'));
    const { namedKeysPem, ringKeys } = await import('../../attach/ring-keys.ts');
    const shown = ringKeys(keys);
    if (file !== undefined) return written(file, namedKeysPem(keys), shown, session.report);
    const result = shown.map((key) => ({ ...key }));
    return { result, text: namedKeysPem(keys), table: { rows: result.map(({ pem: _pem, ...row }) => row) } };
  },
});

/** What was there before stays until all of the new is on the disk. @throws CommandError (1). */
async function written(file: string, pem: string, keys: readonly { readonly kid: string; readonly state: string }[], report: Report): Promise<Record<string, never>> {
  if (keys.length === 0) throw failure(`The issuer has no public key: ${file} is not written. An API server does not start with a key file without a key.`);
  const { replaceShared } = await import('../../attach/host-files.ts');
  await replaceShared(file, pem);
  report.warn(`${file} has ${keys.length === 1 ? '1 public key' : `${keys.length} public keys`}: ${keys.map(({ kid, state }) => `${kid} (${state})`).join(', ')}. Look at it before you restart the API server, which does not start without it.`);
  return {};
}
