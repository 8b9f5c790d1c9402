/**
 * Loaded into a server before its own code (`node --import`), into its threads too: the one of the public host dies in the way
 * that the file says which TEST_DEATH names, as soon as that file is there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isMainThread, threadName } from 'node:worker_threads';

const file = process.env['TEST_DEATH'] ?? '';
const DEATHS: Readonly<Record<string, () => void>> = {
  error: () => { throw new Error('died of an error'); },
  rejection: () => void Promise.reject(new Error('died of a rejection')),
  exit: () => process.exit(0),
  memory: () => { for (const kept: unknown[][] = []; ; ) kept.push(Array.from({ length: 100_000 }, () => kept.length)); },
};

if (!isMainThread && threadName === 'public-host') {
  const look = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(look);
    DEATHS[readFileSync(file, 'utf8')]!();
  }, 10);
  look.unref();
}
