/**
 * Follows the files of certificates: a new pair is served to new connections as soon as it is whole, and nothing is cut.
 *
 * Gets the files, a clock, and what to do with a new pair. A pair that can not be served is told once and not taken.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { TlsFiles } from '../config/config.ts';
import { tlsPairProblem } from '../config/files.ts';
import { after } from '../domain/durations.ts';
import type { CertificateWithKey } from '../keys/private-ca.ts';
import type { Clock } from '../service/clock.ts';

/** How often the files are looked at, in seconds. */
const LOOK_EVERY = 5;

/** A pair with what tells its files from later ones. */
export interface ReadPair extends CertificateWithKey {
  readonly seen: string;
}

export interface FollowedPair {
  /** For the log. */
  readonly name: string;
  readonly files: TlsFiles;
  /** What is served until there is another. */
  readonly first: ReadPair;
  readonly take: (pair: CertificateWithKey) => void | Promise<void>;
}

export async function readPair(files: TlsFiles): Promise<ReadPair> {
  // Before reading, so that a change in between is seen by the next look.
  const seen = await signatureOf(files);
  const [certificate, privateKey] = await Promise.all([readFile(files.certificateFile, 'utf8'), readFile(files.keyFile, 'utf8')]);
  return { certificate, privateKey, seen };
}

interface Following {
  lookNow(): void;
  stop(): Promise<void>;
}

/** Follows until `stop`; each pair by itself, so that a listener that does not take its own keeps no other from a new one. */
export function followTlsFiles(pairs: readonly FollowedPair[], clock: Clock, log: Logger): Following {
  const each = pairs.map((pair) => followPair(pair, clock, log));
  return {
    lookNow: () => each.forEach((following) => following.lookNow()),
    stop: () => Promise.all(each.map((following) => following.stop())).then(() => undefined),
  };
}

function followPair(pair: FollowedPair, clock: Clock, log: Logger): Following {
  let [wake, stopping, seen] = [new AbortController(), false, pair.first.seen];

  async function follow(): Promise<void> {
    while (!stopping) {
      await clock.wait(after(clock.now(), LOOK_EVERY), wake.signal);
      wake = new AbortController();
      if (!stopping) seen = await look(pair, seen, log);
    }
  }

  const running = follow();
  return {
    lookNow: () => wake.abort(),
    async stop() {
      stopping = true;
      wake.abort();
      await running;
    },
  };
}

/** Takes the pair if its files are others than those seen; gives what it has seen, so that what is wrong is told once. */
async function look({ name, files, take }: FollowedPair, seen: string, log: Logger): Promise<string> {
  const now = await signatureOf(files);
  if (now === seen) return seen;
  try {
    const pair = await readPair(files);
    const problem = tlsPairProblem(pair);
    if (problem !== null) throw new Error(`${files.certificateFile} and ${files.keyFile} ${problem}`);
    await take(pair);
    log.info({ listener: name }, 'a new certificate is served');
  } catch (error) {
    log.error({ listener: name, reason: (error as Error).message }, 'the new certificate can not be served; the former one still is');
  }
  return now;
}

/** Changes with every replacement or rewrite of one of the two files. */
async function signatureOf({ certificateFile, keyFile }: TlsFiles): Promise<string> {
  const parts = await Promise.all([certificateFile, keyFile].map((file) => stat(file, { bigint: true }).then(({ ino, size, mtimeNs }) => [ino, size, mtimeNs].join(':'), () => 'missing')));
  return parts.join(' ');
}
