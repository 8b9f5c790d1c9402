/** A clock for tests of the whole program: ahead of the machine's by the number of seconds in a file, followed while it changes. */
import { readFileSync } from 'node:fs';
import { type Clock, waitMs } from '../service/clock.ts';

/** How often a waiting loop looks whether the clock was moved, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** The clock that `file` shifts; an unreadable file is no shift. */
export function shiftedClock(file: string): Clock {
  const now = (): Date => new Date(Date.now() + shift(file) * 1000);
  return {
    now,
    async wait(until, wake) {
      const longest = Date.now() + 60_000;
      while (!wake.aborted && Date.now() < longest && (until === null || now() < until)) await waitMs(LOOK_EVERY_MS, wake);
    },
  };
}

function shift(file: string): number {
  try {
    const seconds = Number(readFileSync(file, 'utf8'));
    return Number.isFinite(seconds) ? seconds : 0;
  } catch {
    return 0;
  }
}
