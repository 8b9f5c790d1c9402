/** `dev`: declared here so that help shows it; started by what `main.ts` gives. */
import { command } from '../command.ts';
import { homeOf } from '../profile.ts';
import type { DevFlags } from '../session.ts';
import { port } from './flags.ts';

export const dev = command<Partial<DevFlags>>({
  examples: ['mintmark dev', 'mintmark dev --home /srv/mintmark --issuer-port 10443'],
  options: [
    { flags: '--home <dir>', summary: 'Folder of all state; MINTMARK_HOME or .mintmark when left out' },
    { flags: '--management-port <port>', summary: 'Port of the management API (8443)', parse: port('--management-port') },
    { flags: '--issuer-port <port>', summary: 'Port of the public documents, a part of each issuer URL (9443)', parse: port('--issuer-port') },
    { flags: '--signers-port <port>', summary: 'Port for signers, the processes beside API servers (9444)', parse: port('--signers-port') },
    { flags: '--metrics-port <port>', summary: 'Port of the metrics, at /metrics in plain HTTP; none when left out', parse: port('--metrics-port') },
    { flags: '--listen <address>', summary: 'Address to listen on (127.0.0.1)' },
    { flags: '--clock-file <file>', summary: 'A file with the seconds by which the clock is ahead; for tests', hidden: true },
  ],
  async run({ io }, { home = homeOf(io.env), managementPort = 8443, issuerPort = 9443, signersPort = 9444, metricsPort, listen = '127.0.0.1', clockFile }) {
    return { exitCode: await io.commands.dev({ home, managementPort, issuerPort, signersPort, metricsPort, listen, clockFile }) };
  },
});
