/**
 * The lease of a signer (rule 12): for how long it may sign without hearing from its server. When it is over, the server
 * counts on it that nothing is signed here any more.
 *
 * It runs from when the last answered request was *sent*, which is before the server wrote it down. It is over when either
 * of the two clocks says so: one can be set back, the other stands still while the machine sleeps.
 */
import { after } from '../domain/durations.ts';
import type { SignerClock } from './signer-clock.ts';

/** A moment by both clocks. */
export interface Moment {
  readonly at: Date;
  readonly monotonic: number;
}

export class Lease {
  readonly #clock: SignerClock;
  #contact: Moment;
  #seconds: number | null;

  /** `lastContact`: by the clock of the time, as it was kept on the disk. */
  constructor(clock: SignerClock, lastContact: Date, seconds: number | null) {
    [this.#clock, this.#seconds] = [clock, seconds];
    const { at, monotonic } = this.moment();
    this.#contact = { at: lastContact, monotonic: monotonic - Math.max(0, at.getTime() - lastContact.getTime()) };
  }

  moment(): Moment {
    return { at: this.#clock.now(), monotonic: this.#clock.monotonic() };
  }

  /** The request that was sent then was answered. */
  renew(sent: Moment): void {
    if (sent.monotonic > this.#contact.monotonic) this.#contact = sent;
  }

  /** In seconds; null is without end. */
  set seconds(seconds: number | null) {
    this.#seconds = seconds;
  }

  get lastContact(): Date {
    return this.#contact.at;
  }

  /** Null: never. */
  get endsAt(): Date | null {
    return this.#seconds === null ? null : after(this.#contact.at, this.#seconds);
  }

  /** Seconds without contact. */
  get silence(): number {
    const { at, monotonic } = this.moment();
    return Math.max(at.getTime() - this.#contact.at.getTime(), monotonic - this.#contact.monotonic) / 1000;
  }

  get isOver(): boolean {
    return this.#seconds !== null && this.silence >= this.#seconds;
  }

  /** Which part of the lease is used up: 0 after contact, 1 and more when it is over; 0 for one without end. */
  get used(): number {
    return this.#seconds === null ? 0 : this.silence / this.#seconds;
  }
}
