/** Shell completion: the script for a shell, and the hidden command that such a script asks at each Tab. */
import { command } from '../command.ts';
import { usageError } from '../errors.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const completion = command<unknown>({
  examples: ['source <(mintmark completion bash)', 'mintmark completion fish > ~/.config/fish/completions/mintmark.fish'],
  options: [],
  argument: { name: 'shell', summary: 'The shell', choices: SHELLS },
  async run(_session, _options, shell) {
    if (!SHELLS.some((known) => known === shell)) throw usageError(`'${shell}' is no shell that Mintmark completes in. Choose ${SHELLS.join(', ')}.`);
    const { script } = await import('@bomb.sh/tab');
    script(shell, 'mintmark', 'mintmark');
    return {};
  },
});
