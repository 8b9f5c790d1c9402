/** Time, in the form that loops need it: the only one that can wait. */
export interface Clock {
  now(): Date;
  /**
   * Resolves at `until` by this clock, when `wake` is aborted, or after at most a minute, whichever is first: whoever
   * waits asks again. Never rejects.
   */
  wait(until: Date | null, wake: AbortSignal): Promise<void>;
}

const LONGEST_WAIT_MS = 60_000;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => new Date(),
  wait: (until, wake) => waitMs(until === null ? LONGEST_WAIT_MS : until.getTime() - Date.now(), wake),
};

/** Waits for real milliseconds, bounded by 0 and a minute. */
export function waitMs(ms: number, wake: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (wake.aborted) return resolve();
    const timer = setTimeout(done, Math.min(LONGEST_WAIT_MS, Math.max(0, ms)));
    wake.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      wake.removeEventListener('abort', done);
      resolve();
    }
  });
}
