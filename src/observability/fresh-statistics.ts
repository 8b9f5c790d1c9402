/**
 * The store's totals, counted at most every few seconds however often they are asked for, and more seldom where counting
 * takes long: it never takes more than a fiftieth of the time.
 */

const SHORTEST_AGE_MS = 5000;
const SHARE_OF_TIME = 50;

/** Null when they could not be counted. `now` is in milliseconds and only goes forward. Never rejects. */
export function freshStatistics<T>(count: () => Promise<T>, now: () => number): () => Promise<T | null> {
  let latest: Promise<T | null> = Promise.resolve(null);
  let goodUntil = Number.NEGATIVE_INFINITY;
  async function countNow(): Promise<T | null> {
    const begun = now();
    const counted = await count().catch(() => null);
    goodUntil = now() + Math.max(SHORTEST_AGE_MS, (now() - begun) * SHARE_OF_TIME);
    return counted;
  }
  return () => {
    if (now() >= goodUntil) {
      // Until it is known how long the counting takes, whoever asks gets what is being counted.
      goodUntil = Number.POSITIVE_INFINITY;
      latest = countNow();
    }
    return latest;
  };
}
