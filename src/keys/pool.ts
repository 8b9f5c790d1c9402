/**
 * Keys that are ready before they are needed, in memory only, so that creating a cluster does not wait for RSA.
 */
import type { UnsealedKey } from './generate.ts';

export interface KeyPool {
  /** A key, from the pool or made now. */
  take(): Promise<UnsealedKey>;
  /** Takes back a key that was sealed for nobody's use. */
  giveBack(key: UnsealedKey): void;
  /** Ends refilling; keys can still be taken. */
  stop(): void;
}

/** A pool that holds up to `size` keys and makes one at a time in the background. */
export function createKeyPool(options: { readonly size: number; readonly generate: () => Promise<UnsealedKey>; readonly onError: (error: unknown) => void }): KeyPool {
  const ready: UnsealedKey[] = [];
  let refilling = false;
  let stopped = false;

  async function refill(): Promise<void> {
    if (refilling) return;
    refilling = true;
    try {
      while (!stopped && ready.length < options.size) ready.push(await options.generate());
    } catch (error) {
      options.onError(error);
    } finally {
      refilling = false;
    }
  }

  void refill();
  return {
    async take() {
      const key = ready.shift();
      void refill();
      return key ?? options.generate();
    },
    giveBack(key) {
      if (ready.length < options.size) ready.push(key);
    },
    stop() {
      stopped = true;
      ready.length = 0;
    },
  };
}
