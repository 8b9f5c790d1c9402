/** A loop that does a round, waits a little, and does the next; sooner when poked, later after failures. It ends only when stopped. */
import type { Logger } from 'pino';
import { after } from '../domain/durations.ts';
import type { Clock } from './clock.ts';

/** Seconds between rounds: how late a change by another process is seen at most. */
const PAUSE = 0.25;
const LONGEST_PAUSE = 5;

export class FollowLoop {
  readonly #round: () => Promise<unknown>;
  readonly #clock: Clock;
  readonly #log: Logger;
  #wake = new AbortController();
  #running: Promise<void> | null = null;
  #stopping = false;

  readonly #who: string;

  /** `who` follows, for the log: "the publisher". */
  constructor(round: () => Promise<unknown>, clock: Clock, log: Logger, who: string) {
    this.#round = round;
    this.#who = who;
    this.#clock = clock;
    this.#log = log;
  }

  /** Does nothing when it runs already. */
  start(): void {
    this.#stopping = false;
    this.#running ??= this.#run();
  }

  /** There may be something to do now. During a round: another round follows. */
  poke(): void {
    this.#wake.abort();
  }

  /** Resolves when the round in hand has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.poke();
    await this.#running;
    this.#running = null;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping) {
      this.#wake = new AbortController();
      failures = (await this.#succeeds(failures)) ? 0 : failures + 1;
      await this.#clock.wait(after(this.#clock.now(), Math.min(LONGEST_PAUSE, PAUSE * 2 ** failures)), this.#wake.signal);
    }
  }

  async #succeeds(failuresBefore: number): Promise<boolean> {
    try {
      await this.#round();
      if (failuresBefore > 0) this.#log.info({ failures: failuresBefore }, `${this.#who} follows the store again`);
      return true;
    } catch (err) {
      this.#log.warn({ err, failures: failuresBefore + 1 }, `${this.#who} could not follow the store; it goes on with what it has and tries again`);
      return false;
    }
  }
}
