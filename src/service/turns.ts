/** Bounds how much of something costly runs at once. */
import { MintmarkError } from '../domain/errors.ts';

/** Runs at most `most` works at once and lets `waiting` more wait. @throws MintmarkError `TooManyRequests`. */
export function createTurns(most: number, waiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) {
      if (queue.length >= waiting) throw new MintmarkError('TooManyRequests', 'Too many logins are in progress. Try again in a moment.');
      await new Promise<void>((resolve) => void queue.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
