/** `signer`: the processes beside API servers. */
import { entry, type Group } from '../command.ts';
import { signerEnroll } from './signer-enroll.ts';
import { signerRun } from './signer-run.ts';

export const signer: Group = {
  commands: [
    entry('enroll', 'Enrol this host as a signer', signerEnroll),
    entry('run', 'Sign for the API server on this host', signerRun),
  ],
};
