/** `signer enroll`: on the host of an API server. Declared here so that help shows it; done by what `main.ts` gives. */
import { command, type OptionSpec } from '../command.ts';

export const STATE_DIR: OptionSpec = { flags: '--state-dir <dir>', summary: 'Folder of its keys and ring, for its owner only; made where it is missing', required: true };
export const SIGNER_NAME: OptionSpec = { flags: '--signer <name>', summary: "Name of the signer, where the token is not for one; the host's when left out" };

interface Flags {
  readonly tokenFile: string;
  readonly stateDir: string;
  readonly signer?: string;
}

export const signerEnroll = command<Flags>({
  examples: ['mintmark signer enroll --token-file /root/enrolment-token --state-dir /var/lib/mintmark-signer'],
  options: [
    { flags: '--token-file <file>', summary: "File with the token that 'mintmark signer create' printed", required: true },
    STATE_DIR,
    SIGNER_NAME,
  ],
  async run({ io, report }, { signer, ...flags }) {
    const { name, signerId, issuerUrl } = await io.commands.signerEnroll({ ...flags, name: signer, warn: (text) => report.warn(text) });
    const text = [
      `This host is enrolled as signer '${name}' of ${issuerUrl}.`,
      'Delete the token file. Start the signer, before the API server:',
      '',
      `  mintmark signer run --state-dir ${flags.stateDir} --socket /run/mintmark/signer.sock`,
      '',
      'Or, on k3s, on RKE2 and for Kubernetes before 1.34, which sign with key files:',
      '',
      `  mintmark signer run --state-dir ${flags.stateDir} --mode key-files`,
      '',
    ].join('\n');
    return { result: { name, signerId, issuerUrl, stateDir: flags.stateDir }, text };
  },
});
