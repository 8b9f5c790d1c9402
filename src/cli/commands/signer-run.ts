/** `signer run`: the process beside an API server. Declared here so that help shows it; started by what `main.ts` gives. */
import { command } from '../command.ts';
import { usageError } from '../errors.ts';
import type { SignerRunFlags } from '../session.ts';
import { port, wholeNumber } from './flags.ts';
import { SIGNER_NAME, STATE_DIR } from './signer-enroll.ts';

interface Flags {
  readonly stateDir: string;
  readonly socket: string;
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
  ],
  options: [
    STATE_DIR,
    { flags: '--socket <path>', summary: "Socket for the API server: its --service-account-signing-endpoint; 107 bytes at most", required: true },
    { flags: '--socket-mode <octal>', summary: 'Mode of the socket (0600)', parse: mode },
    { flags: '--socket-owner <uid>', summary: 'Number of the user that owns it; its own when left out', parse: wholeNumber('--socket-owner') },
    { flags: '--socket-group <gid>', summary: 'Number of the group that owns it; its own when left out', parse: wholeNumber('--socket-group') },
    { flags: '--health-listen <host:port>', summary: 'Address of /healthz and /metrics, in plain HTTP; none when left out', parse: address },
    { flags: '--token-file <file>', summary: 'Enrols with this token or join credential first, where the state folder is not enrolled' },
    SIGNER_NAME,
  ],
  async run({ io }, { socket, socketMode, socketOwner, socketGroup, healthListen = null, signer, ...flags }) {
    return { exitCode: await io.commands.signerRun({ ...flags, name: signer, socket: { path: socket, mode: socketMode, uid: socketOwner, gid: socketGroup }, health: healthListen }) };
  },
});

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
