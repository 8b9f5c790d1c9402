/** `signer`: the processes beside API servers. */
import { entry, type Group } from '../command.ts';
import { attached, detached } from './signer-attach.ts';
import { restartConfirmed } from './signer-confirm-restart.ts';
import { signerEnroll } from './signer-enroll.ts';
import { signerRun } from './signer-run.ts';

export const signer: Group = {
  commands: [
    entry('enroll', 'Enrol this host as a signer', signerEnroll),
    entry('run', 'Sign for the API server on this host', signerRun),
    entry('attach', 'Let the API server on this host take part', attached),
    entry('detach', 'Undo what attach did', detached),
    entry('confirm-restart', 'Say that the API server was restarted with its key files', restartConfirmed),
  ],
};
