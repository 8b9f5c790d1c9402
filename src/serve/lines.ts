/**
 * Lines to an open file, terminal or pipe, such as standard error: at once, and each from the beginning of a line.
 *
 * Gives the log of a server, whose lines may be lost and nothing else for that: on a full disk they are counted, and the
 * next line that can be written says how many are missing before it.
 */
import { writeSync } from 'node:fs';

/** Writes bytes, perhaps not all; gives how many. */
type Write = (descriptor: number, bytes: Buffer) => number;

export interface Lines {
  /** @throws what the system says of a line that is not written, or not whole. */
  write(line: string): void;
}

export interface LogLines extends Lines {
  /** Never throws. */
  write(line: string): void;
  /** Lines that were lost since the start. */
  readonly lost: number;
}

/** Milliseconds after which a pipe that is full is tried again; what reads it is waited for. */
const FULL_PIPE_PAUSE = 100;
const asleep = new Int32Array(new SharedArrayBuffer(4));

export function linesTo(descriptor: number, write: Write = writeSync): Lines {
  let whole = true;
  return {
    write(line) {
      // After a line that was cut off, by a full disk for one, the next begins where a line begins.
      const bytes = Buffer.from(whole ? line : `\n${line}`);
      for (let at = 0; at < bytes.length;) {
        at += orWait(() => write(descriptor, bytes.subarray(at)));
        whole = at === bytes.length;
      }
    },
  };
}

/** For lines of pino's, which are JSON objects. */
export function logLinesTo(descriptor: number, write: Write = writeSync): LogLines {
  const lines = linesTo(descriptor, write);
  let [lost, untold] = [0, 0];
  return {
    get lost() {
      return lost;
    },
    write(line) {
      try {
        lines.write(untold === 0 ? line : line.replace(/\}\n$/, `,"lostBefore":${untold}}\n`));
        untold = 0;
      } catch {
        lost += 1;
        untold += 1;
      }
    },
  };
}

/** For what a server says to whoever started it: what can not be written is lost, and the server is none the worse for it. */
export function wordsTo(descriptor: number, write: Write = writeSync): Lines {
  const lines = linesTo(descriptor, write);
  return {
    write(text) {
      try {
        lines.write(text);
      } catch {
        // There is nowhere to say it.
      }
    },
  };
}

/** How many bytes were written: none while a pipe is full. */
function orWait(write: () => number): number {
  try {
    return write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(asleep, 0, 0, FULL_PIPE_PAUSE);
    return 0;
  }
}
