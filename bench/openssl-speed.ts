/** How many RSA signatures of 2048 bits `openssl speed` makes, on this machine, now. */
import { spawnSync } from 'node:child_process';

/** A second of the processor's time, on one core. */
export const signaturesPerCpuSecond = (seconds: number): number => speed(['-seconds', String(seconds)]);

/** A second by the clock, of so many processes side by side. */
export const signaturesPerSecond = (seconds: number, processes: number): number => speed(['-seconds', String(seconds), '-elapsed', '-multi', String(processes)]);

/** Both kinds have a line `+F2:number:bits:signatures:verifications` (`-mr`) for all together, as their last. */
function speed(flags: readonly string[]): number {
  const { stdout } = spawnSync('openssl', ['speed', '-mr', ...flags, 'rsa2048'], { encoding: 'utf8' });
  const last = stdout.split('\n').findLast((line) => line.startsWith('+F2:'));
  const rate = Number(last?.split(':')[3]);
  if (!(rate > 0)) throw new Error(`openssl speed said nothing that is understood:\n${stdout}`);
  return rate;
}
