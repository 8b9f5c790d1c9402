/** The two clocks of a signer: the one that tells the time and can be set, and one that only counts. */
export interface SignerClock {
  now(): Date;
  /** Milliseconds since some moment, never fewer than before. It may stand still while the machine sleeps. */
  monotonic(): number;
}

export const machineClock: SignerClock = { now: () => new Date(), monotonic: () => performance.now() };

/** Resolves after so many milliseconds, or at once when `wake` is aborted; never rejects. */
export function pause(ms: number, wake: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (wake.aborted) return resolve();
    const timer = setTimeout(done, ms);
    wake.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      wake.removeEventListener('abort', done);
      resolve();
    }
  });
}

/** Milliseconds. */
const RETRY = { first: 250, most: 5000 } as const;

/** How long to wait after so many failures: doubled from one to the next, and never the same for all signers of a server that came back. */
export const retryAfter = (failures: number): number => Math.min(RETRY.most, RETRY.first * 2 ** Math.max(0, failures - 1)) * (0.75 + Math.random() / 2);
