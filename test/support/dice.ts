/** Chance that can be repeated: the same seed, the same throws. */

/** A throw: 0 or more, and below so many. */
export type Dice = (below: number) => number;

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * Draws from a bag that has each thing once, and from another such bag when nothing that is left is possible: a random
 * order in which everything has its turn.
 */
export function drawFrom<T>(things: readonly T[], roll: Dice): (isPossible: (thing: T) => boolean) => T {
  let bag = [...things];
  return (isPossible) => {
    if (!bag.some(isPossible)) bag = [...things];
    const possible = bag.filter(isPossible);
    const drawn = possible[roll(possible.length)]!;
    bag.splice(bag.indexOf(drawn), 1);
    return drawn;
  };
}
