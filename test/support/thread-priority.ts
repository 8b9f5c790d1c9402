/** Priorities of the threads of this process, as Linux tells them. */
import { readFileSync } from 'node:fs';

/** The nice value of a thread (proc(5): the 19th field of stat); NaN when it has ended. */
export function niceOf(thread: string): number {
  return Number(ofThread(thread, 'stat').split(') ').at(-1)!.split(' ')[16]);
}

/** By which a thread is known to debuggers; empty when it has ended. */
export const nameOf = (thread: string): string => ofThread(thread, 'comm').trimEnd();

function ofThread(thread: string, file: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
