/** A line on a terminal's stderr for what takes longer than a second; nothing anywhere else. */
import type { Writable } from 'node:stream';
import type { Spinner } from 'yocto-spinner';
import { printable } from './output/printable.ts';

export interface Progress {
  /** Shows the text while the work lasts, from its first second on. Works may hold works: the outermost counts. */
  during<T>(text: string, work: () => Promise<T>): Promise<T>;
  /** What to show from now on; asked again each second, for texts that count down. */
  say(text: () => string): void;
  /** Makes room for a line of another kind. */
  clear(): void;
}

const PATIENCE_MS = 1000;

export function createProgress(stream: Writable & { readonly isTTY?: boolean }): Progress {
  if (stream.isTTY !== true) return { during: (_text, work) => work(), say: () => undefined, clear: () => undefined };
  let depth = 0;
  let text = (): string => '';
  let spinner: Spinner | null = null;
  let timer: NodeJS.Timeout | undefined;

  async function tick(): Promise<void> {
    const { default: createSpinner } = await import('yocto-spinner');
    if (depth === 0) return;
    spinner ??= createSpinner({ stream }).start();
    spinner.text = printable(text());
  }

  function stop(): void {
    clearInterval(timer);
    spinner?.stop();
    spinner = null;
  }

  return {
    async during(first, work) {
      depth += 1;
      if (depth === 1) {
        text = () => `${first} ..`;
        timer = setInterval(() => void tick(), PATIENCE_MS);
      }
      try {
        return await work();
      } finally {
        depth -= 1;
        if (depth === 0) stop();
      }
    },
    say(next) { text = next; },
    clear() { spinner?.clear(); },
  };
}
