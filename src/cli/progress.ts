/** A line on a terminal's stderr for what takes longer than a second; elsewhere only what is waited for, each wait once. */
import type { Writable } from 'node:stream';
import type { Spinner } from 'yocto-spinner';
import { printable } from './output/printable.ts';

export interface Progress {
  /** Shows the text while the work lasts, from its first second on. Works may hold works: the outermost counts. */
  during<T>(text: string, work: () => Promise<T>): Promise<T>;
  /** What to show from now on; asked again each second, for texts that count down. `about`: the same for the same wait. */
  say(text: () => string, about: string): void;
  /** Makes room for a line of another kind. */
  clear(): void;
}

const PATIENCE_MS = 1000;

/** Shows nothing. */
export const NO_PROGRESS: Progress = { during: (_text, work) => work(), say: () => undefined, clear: () => undefined };

/** `tell` writes a line of its own, where there is no terminal. */
export function createProgress(stream: Writable & { readonly isTTY?: boolean }, tell: (text: string) => void): Progress {
  return stream.isTTY === true ? onTerminal(stream) : inLines(tell);
}

/** For logs: a wait is told once, when it is met a second time in a row, so that what is over at the next look is not. */
function inLines(tell: (text: string) => void): Progress {
  let [seen, told] = ['', ''];
  return {
    ...NO_PROGRESS,
    say(text, about) {
      if (about === seen && about !== told) {
        told = about;
        tell(text());
      }
      seen = about;
    },
  };
}

function onTerminal(stream: Writable): Progress {
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
