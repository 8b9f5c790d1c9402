/** Chance that can be told again: numbers drawn from a seed. */
import { createHash } from 'node:crypto';

export class Random {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** From 0 up to, and without, `end`. */
  below(end: number): number {
    this.#drawn += 1;
    return (createHash('sha256').update(`${this.#seed}:${this.#drawn}`).digest().readUInt32BE() / 2 ** 32) * end;
  }

  integerBelow(end: number): number {
    return Math.floor(this.below(end));
  }

  /** @throws when there is nothing to choose from. */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to choose from');
    return from[this.integerBelow(from.length)]!;
  }

  /** One of the names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const names = Object.keys(weights) as Name[];
    let left = this.below(names.reduce((sum, name) => sum + weights[name], 0));
    return names.find((name) => (left -= weights[name]) < 0) ?? names.at(-1)!;
  }
}
