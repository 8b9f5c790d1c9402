/**
 * Says to the server which ring is in use, once for each, as soon as the API server beside is proven to verify with every
 * key of it (rule 5). It runs beside the long poll, which must not hold it up.
 */
import type { Logger } from 'pino';
import { pointText, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import type { SignerMode } from '../domain/signer.ts';
import type { RingUser } from './ring-user.ts';
import type { ServerClient } from './server-client.ts';
import { pause, retryAfter } from './signer-clock.ts';

interface AcknowledgerDeps {
  readonly client: Pick<ServerClient, 'acknowledge'>;
  readonly mode: SignerMode;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Milliseconds between looks for a proof, and between looks when there is nothing to say. */
const PROOF_EVERY = 2000;
const NOTHING_TO_SAY = 60_000;

export class Acknowledger {
  /** What the server was told last. */
  acknowledged: RingPoint | null = null;
  readonly #deps: AcknowledgerDeps;
  #inUse: SignerRing | null = null;
  #said: string | null = null;
  #wake = new AbortController();

  constructor(deps: AcknowledgerDeps) {
    this.#deps = deps;
  }

  /** This ring is in use from now on. */
  inUse(ring: SignerRing): void {
    this.#inUse = ring;
    this.#wake.abort();
  }

  /** Runs until `stop`. */
  async run(user: RingUser, stop: AbortSignal): Promise<void> {
    for (let failures = 0; !stop.aborted;) {
      this.#wake = new AbortController();
      const ring = this.#inUse;
      const isDue = ring !== null && this.#said !== whatIsSaid(ring);
      const isProven = isDue && (await this.#proven(user));
      if (isProven) failures = (await this.#say(ring, stop)) ? 0 : failures + 1;
      await pause(!isDue || (isProven && failures === 0) ? NOTHING_TO_SAY : isProven ? retryAfter(failures) : PROOF_EVERY, AbortSignal.any([stop, this.#wake.signal]));
    }
  }

  async #proven(user: RingUser): Promise<boolean> {
    try {
      return await user.proven();
    } catch (err) {
      this.#deps.log.warn({ err }, 'it could not be found out whether the API server uses the ring; it is tried again');
      return false;
    }
  }

  async #say(ring: SignerRing, stop: AbortSignal): Promise<boolean> {
    const { client, mode, now, log } = this.#deps;
    const { epoch, version, leaseSeconds } = ring;
    try {
      await client.acknowledge({ epoch, version, keyInUse: ring.active?.kid ?? null, mode, leaseSeconds }, now(), stop);
      [this.#said, this.acknowledged] = [whatIsSaid(ring), { epoch, version }];
      return true;
    } catch (err) {
      if (!stop.aborted) log.warn({ reason: (err as Error).message, ring: pointText(ring) }, 'the ring in use could not be acknowledged; it is tried again');
      return false;
    }
  }
}

/** The same version with another lease is said again. */
const whatIsSaid = (ring: SignerRing): string => `${pointText(ring)} ${ring.leaseSeconds}`;
