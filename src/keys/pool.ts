/**
 * Keys that are ready before they are needed, in memory only, so that creating a cluster does not wait for RSA.
 *
 * Bounds how many keys are made at once, whoever asks: making one takes a whole core.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { UnsealedKey } from './generate.ts';

export interface KeyPool {
  /** A key from the pool, or the next that is made. @throws MintmarkError `TooManyRequests` when too many wait for one. */
  take(): Promise<UnsealedKey>;
  /** Takes back a key that was sealed for nobody's use. */
  giveBack(key: UnsealedKey): void;
  /** How many keys are ready. */
  level(): number;
  /** Ends refilling; keys can still be taken. */
  stop(): void;
}

export interface KeyPoolOptions {
  /** Keys that are kept ready. */
  readonly size: number;
  readonly generate: () => Promise<UnsealedKey>;
  /** Told of a key that could not be made ahead. */
  readonly onError: (error: unknown) => void;
}

interface Waiter {
  readonly resolve: (key: UnsealedKey) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_AT_ONCE = 2;
const MOST_WAITING = 256;

export function createKeyPool({ size, generate, onError }: KeyPoolOptions): KeyPool {
  const ready: UnsealedKey[] = [];
  const waiting: Waiter[] = [];
  let making = 0;
  let stopped = false;

  const wanted = (): number => waiting.length + (stopped ? 0 : Math.max(0, size - ready.length));

  function makeMore(): void {
    while (making < MOST_AT_ONCE && making < wanted()) void makeOne();
  }

  async function makeOne(): Promise<void> {
    making += 1;
    try {
      hand(await generate());
      making -= 1;
      makeMore();
    } catch (error) {
      making -= 1;
      const waiter = waiting.shift();
      if (waiter === undefined) return stopped ? undefined : onError(error);
      waiter.reject(error);
      makeMore();
    }
  }

  function hand(key: UnsealedKey): void {
    const waiter = waiting.shift();
    if (waiter === undefined) ready.push(key);
    else waiter.resolve(key);
  }

  makeMore();
  return {
    async take() {
      const key = ready.shift();
      if (key === undefined && waiting.length >= MOST_WAITING) throw new MintmarkError('TooManyRequests', 'Too many requests wait for a signing key to be made. Try again in a moment.');
      const taken = key ?? new Promise<UnsealedKey>((resolve, reject) => waiting.push({ resolve, reject }));
      makeMore();
      return taken;
    },
    giveBack(key) {
      if (waiting.length > 0 || ready.length < size) hand(key);
    },
    level: () => ready.length,
    stop() {
      stopped = true;
      ready.length = 0;
    },
  };
}
