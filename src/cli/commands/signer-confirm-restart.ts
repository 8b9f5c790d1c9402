/** `signer confirm-restart`: an operator's word that the API server was restarted, where no kubeconfig can prove it. */
import { command } from '../command.ts';
import { KEY_FOLDER, wayOf } from './attach-flags.ts';

export const restartConfirmed = command<{ readonly version: string; readonly keyFolder?: string }>({
  examples: ['mintmark signer confirm-restart --version 1-17'],
  options: [{ flags: '--version <version>', summary: "Version of the key files that it was restarted with, as the signer's log names it", required: true }, KEY_FOLDER],
  async run(_session, { version, ...flags }) {
    const { confirmRestart } = await import('../../attach/key-files-state.ts');
    const { epoch, version: number } = await confirmRestart(wayOf(flags).keyFolder, version);
    return { result: { epoch, version: number }, text: `Noted for version ${epoch}-${number}. The signer acknowledges it within seconds.\n` };
  },
});
