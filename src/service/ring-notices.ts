/**
 * Who waits for news of a ring is told at once: of commits of this process when they are published, of those of others by
 * following the changes in the store, a quarter of a second later at most.
 */
import type { Logger } from 'pino';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { FollowLoop } from './follow-loop.ts';

/** One wait. */
export interface Notice {
  /** Aborted when there may be news, or when whoever waits gave up. */
  readonly signal: AbortSignal;
  end(): void;
}

export interface RingNotices {
  /** From now on; `givenUp` ends the wait too. */
  listen(issuerId: string, givenUp: AbortSignal): Notice;
  /** There may be news of this issuer that is no commit of its ring. */
  tell(issuerId: string): void;
  /** Look now: this process has committed. */
  look(): void;
  /** How many wait. */
  waiting(): number;
  start(): void;
  stop(): Promise<void>;
}

const MOST_AT_ONCE = 1000;

export function createRingNotices(store: Store, clock: Clock, log: Logger): RingNotices {
  const waits = new Map<string, Set<AbortController>>();
  let seen: number | null = null;
  let count = 0;

  const tell = (issuerId: string): void => { for (const wait of waits.get(issuerId) ?? []) wait.abort(); };

  /** What was committed before the first look is seen by whoever asks. */
  async function round(): Promise<void> {
    const [since, changes] = await store.read(async (tx) => (seen === null ? [await tx.lastChange(), []] as const : [seen, await tx.changesSince(seen, MOST_AT_ONCE)] as const));
    seen = changes.at(-1)?.change ?? since;
    for (const { issuerId } of changes) tell(issuerId);
    if (changes.length === MOST_AT_ONCE) loop.poke();
  }
  const loop = new FollowLoop(round, clock, log, 'the listener for signers');

  return {
    listen(issuerId, givenUp) {
      const wait = new AbortController();
      const giveUp = (): void => wait.abort();
      if (givenUp.aborted) giveUp();
      givenUp.addEventListener('abort', giveUp);
      const all = waits.get(issuerId) ?? new Set();
      waits.set(issuerId, all.add(wait));
      count += 1;
      return {
        signal: wait.signal,
        end() {
          givenUp.removeEventListener('abort', giveUp);
          if (!all.delete(wait)) return;
          count -= 1;
          if (all.size === 0 && waits.get(issuerId) === all) waits.delete(issuerId);
        },
      };
    },
    tell,
    look: () => loop.poke(),
    waiting: () => count,
    start: () => loop.start(),
    stop: () => loop.stop(),
  };
}
