/** `signer run`: the process beside an API server. Declared here so that help shows it; started by what `main.ts` gives. */
import { DEFAULT_SOCKET } from '../../attach/api-server-flags.ts';
import type { ProofAccount } from '../../attach/api-server-proof.ts';
import { command } from '../command.ts';
import { usageError } from '../errors.ts';
import type { SignerRunFlags } from '../session.ts';
import { KEY_FOLDER, MANIFEST, wayOf } from './attach-flags.ts';
import { port, wholeNumber } from './flags.ts';
import { SIGNER_NAME, STATE_DIR } from './signer-enroll.ts';

interface Flags {
  readonly stateDir: string;
  readonly socket?: string;
  readonly mode?: 'external' | 'key-files';
  readonly keyFolder?: string;
  readonly kubeconfig?: string;
  readonly proveWith?: ProofAccount;
  readonly allowRestart?: true;
  readonly manifest?: string;
  readonly keepAutoExtension?: true;
  readonly socketMode?: number;
  readonly socketOwner?: number;
  readonly socketGroup?: number;
  readonly healthListen?: SignerRunFlags['health'];
  readonly tokenFile?: string;
  readonly signer?: string;
}

export const signerRun = command<Flags>({
  examples: [
    'mintmark signer run --state-dir /var/lib/mintmark-signer --socket /run/mintmark/signer.sock',
    'mintmark signer run --state-dir /var/lib/mintmark-signer --socket /run/mintmark/signer.sock --health-listen 127.0.0.1:9465',
    'mintmark signer run --state-dir /var/lib/mintmark-signer --mode key-files --kubeconfig /etc/mintmark/proof.conf --allow-restart',
  ],
  options: [
    STATE_DIR,
    { flags: '--mode <mode>', summary: 'external (the default): the API server asks at a socket; key-files: it signs with files that are written here', choices: ['external', 'key-files'] },
    { flags: '--socket <path>', summary: `Socket for the API server: its --service-account-signing-endpoint; 107 bytes at most (${DEFAULT_SOCKET})` },
    { flags: '--socket-mode <octal>', summary: 'Mode of the socket (0600)', parse: mode },
    { flags: '--socket-owner <uid>', summary: 'Number of the user that owns it; its own when left out', parse: wholeNumber('--socket-owner') },
    { flags: '--socket-group <gid>', summary: 'Number of the group that owns it; its own when left out', parse: wholeNumber('--socket-group') },
    KEY_FOLDER,
    { flags: '--kubeconfig <file>', summary: 'With key files: how to ask the API server of this host (no load balancer) for proof that it was restarted; an operator confirms when left out' },
    { flags: '--prove-with <namespace/name>', summary: 'Service account for which that asks a token (kube-system/default)', parse: proofAccount },
    { flags: '--allow-restart', summary: 'With key files: restart the API server by its manifest when they change' },
    { ...MANIFEST, summary: 'Manifest that --allow-restart changes (/etc/kubernetes/manifests/kube-apiserver.yaml)' },
    { flags: '--keep-auto-extension', summary: 'With key files: keep retired keys for 366 days, for tokens that the API server extends to a year' },
    { flags: '--health-listen <host:port>', summary: 'Address of /healthz and /metrics, in plain HTTP; none when left out', parse: address },
    { flags: '--token-file <file>', summary: 'Enrols with this token or join credential first, where the state folder is not enrolled' },
    SIGNER_NAME,
  ],
  async run({ io }, flags) {
    const { stateDir, tokenFile, signer: name, socket = DEFAULT_SOCKET, socketMode, socketOwner, socketGroup, healthListen = null } = flags;
    return { exitCode: await io.commands.signerRun({ stateDir, tokenFile, name, socket: { path: socket, mode: socketMode, uid: socketOwner, gid: socketGroup }, health: healthListen, keyFiles: keyFilesOf(flags) }) };
  },
});

const KUBEADM_MANIFEST = '/etc/kubernetes/manifests/kube-apiserver.yaml';
/** In every cluster there is one. */
const PROOF_ACCOUNT: ProofAccount = { namespace: 'kube-system', name: 'default' };

/** Null for external signing. @throws CommandError (2) for flags of the other mode. */
function keyFilesOf(flags: Flags): SignerRunFlags['keyFiles'] {
  const { mode: way = 'external', kubeconfig = null, proveWith = PROOF_ACCOUNT, allowRestart, manifest, keepAutoExtension } = flags;
  const foreign = (way === 'external' ? KEY_FILE_FLAGS : SOCKET_FLAGS).find(([name]) => flags[name] !== undefined);
  if (foreign !== undefined) throw usageError(`${foreign[1]} has no meaning with --mode ${way}.`);
  if (way === 'external') return null;
  if (manifest !== undefined && allowRestart !== true) throw usageError('--manifest is changed only with --allow-restart: add that, or leave it out.');
  return { folder: wayOf(flags).keyFolder, kubeconfig, account: proveWith, restartManifest: allowRestart === true ? (manifest ?? KUBEADM_MANIFEST) : null, keepAutoExtension: keepAutoExtension === true };
}

const KEY_FILE_FLAGS: readonly (readonly [keyof Flags, string])[] = [['keyFolder', '--key-folder'], ['kubeconfig', '--kubeconfig'], ['proveWith', '--prove-with'], ['allowRestart', '--allow-restart'], ['manifest', '--manifest'], ['keepAutoExtension', '--keep-auto-extension']];
const SOCKET_FLAGS: readonly (readonly [keyof Flags, string])[] = [['socket', '--socket'], ['socketMode', '--socket-mode'], ['socketOwner', '--socket-owner'], ['socketGroup', '--socket-group']];

function proofAccount(text: string): ProofAccount {
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined) throw usageError(`argument --prove-with: '${text}' is not NAMESPACE/NAME, such as kube-system/default.`);
  return { namespace, name };
}

/** Nothing for the world: whoever can open the socket can have tokens signed for any service account. */
function mode(text: string): number {
  if (/^0?[0-7][0-7]0$/.test(text)) return Number.parseInt(text, 8);
  throw usageError(`argument --socket-mode: '${text}' is no mode such as 0660; it gives nothing to others, who could have any token signed.`);
}

function address(text: string): SignerRunFlags['health'] {
  const [, host, number] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (host === undefined || number === undefined) throw usageError(`argument --health-listen: '${text}' is no address with a port, such as 127.0.0.1:9465.`);
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: port('--health-listen')(number) };
}
