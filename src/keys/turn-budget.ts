/**
 * For how long work that others could do may keep the event loop: so many milliseconds in each of its turns, from the first
 * time that somebody asks in it.
 */
export class TurnBudget {
  readonly #milliseconds: number;
  readonly #now: () => number;
  /** By `now`; null before anybody asked in this turn. */
  #end: number | null = null;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(milliseconds: number, now: () => number = () => performance.now()) {
    [this.#milliseconds, this.#now] = [milliseconds, now];
  }

  /** Whether there is time left in this turn. */
  isLeft(): boolean {
    const now = this.#now();
    if (this.#end === null) {
      this.#end = now + this.#milliseconds;
      setImmediate(() => { this.#end = null; });
    }
    return now < this.#end;
  }
}
