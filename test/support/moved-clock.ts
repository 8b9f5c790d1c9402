/**
 * For `node --import`: a program's clock is ahead of the machine's by the seconds in the file MOVED_CLOCK, as that of `mintmark dev
 * --clock-file` is by the same file. Its timers run as ever, and it knows nothing of this.
 */
import { readFileSync } from 'node:fs';

const MachineDate = Date;
const file = process.env['MOVED_CLOCK'] ?? '';

function secondsAhead(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

const now = (): number => MachineDate.now() + secondsAhead() * 1000;

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, given: readonly unknown[], made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made) as Date,
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
});
