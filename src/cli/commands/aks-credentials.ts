/** `aks set-credentials`: leaves a kubeconfig with the server, where `get-credentials` of Azure CLI finds it; or takes it away. */
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { command } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import { paths } from '../paths.ts';
import { CLUSTER_FLAGS, type ClusterFlags } from './flags.ts';

interface CredentialFlags extends ClusterFlags {
  readonly kubeconfig?: string;
  readonly remove?: boolean;
  readonly admin?: boolean;
}

export const setCredentials = command<CredentialFlags>({
  examples: ['mintmark cluster set-credentials --name myAKSCluster --resource-group myResourceGroup --kubeconfig kubeconfig', 'mintmark cluster set-credentials --name myAKSCluster --resource-group myResourceGroup --remove'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--kubeconfig <file>', summary: 'File with the kubeconfig to leave; it is sealed there' },
    { flags: '--remove', summary: 'Delete the one that is there' },
    { flags: '--admin', summary: "The administrator's, which get-credentials --admin asks for" },
  ],
  async run(session, { kubeconfig, remove = false, admin = false, ...flags }) {
    if ((kubeconfig === undefined) !== remove) throw usageError('Give either --kubeconfig FILE or --remove.');
    const path = paths.kubeconfig(await session.cluster(flags), admin ? 'admin' : 'user');
    const text = kubeconfig === undefined ? null : await readKubeconfig(kubeconfig);
    const api = await session.api();
    await (text === null ? api.send('DELETE', path) : api.send('PUT', path, { properties: { kubeconfig: text } }));
    return {};
  },
});

/** @throws CommandError (1) for a file that is none. */
async function readKubeconfig(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw failure(`The kubeconfig ${file} can not be read: ${error.message}.`); });
  if (isKubeconfig(text)) return text;
  throw failure(`${file} is no kubeconfig: it is YAML with 'kind: Config', clusters, contexts and users. kubectl config view --minify --flatten prints one.`);
}

function isKubeconfig(text: string): boolean {
  try {
    const found = Object(parse(text)) as Record<string, unknown>;
    return found['kind'] === 'Config' && ['clusters', 'contexts', 'users'].every((member) => Array.isArray(found[member]));
  } catch {
    return false;
  }
}
