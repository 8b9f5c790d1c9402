/**
 * Follows a ring: asks the server for a later one, keeps it on the disk, puts it into use, and has it acknowledged, in this
 * order and no other (rule 6).
 *
 * Owns: when to ask and when to ask again; that no earlier ring is ever taken; what becomes of a signer that was deleted.
 * Leaves to `keys/ring-envelope.ts` whether a ring is the server's, to the `RingUser` what use is, to `lease.ts` for how
 * long it may go on alone.
 */
import type { Logger } from 'pino';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { isDeletedSigner, pointText, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import type { SignerMode } from '../domain/signer.ts';
import { type ExpectedRing, lookAtRing, openRing } from '../keys/ring-envelope.ts';
import type { SignerKeys } from '../keys/signer-keys.ts';
import { Acknowledger } from './acknowledger.ts';
import { Lease, type Moment } from './lease.ts';
import type { RingUser, UsableRing } from './ring-user.ts';
import type { ServerClient } from './server-client.ts';
import { pause, retryAfter, type SignerClock } from './signer-clock.ts';
import type { EnrolledAs, StateFolder } from './state-folder.ts';

/** How a signer stands with its server. */
export type Standing = 'unknown' | 'connected' | 'away' | 'refused' | 'deleted';

/** What a signer tells of itself, for its health and metrics. */
export interface FollowerView {
  readonly standing: Standing;
  /** What is wrong between signer and server, in words; null while nothing is. */
  readonly trouble: string | null;
  /** Rings that were refused since the start. */
  readonly refusedRings: number;
}

export interface FollowerDeps {
  readonly enrolled: EnrolledAs;
  readonly keys: SignerKeys;
  readonly state: StateFolder;
  readonly client: ServerClient;
  readonly clock: SignerClock;
  readonly mode: SignerMode;
  readonly log: Logger;
  /** Milliseconds for which the server is asked before the disk is trusted. */
  readonly askFirstWithin?: number;
}

type Found = UsableRing | 'none' | 'failed' | 'refused' | 'deleted';

/** Milliseconds. */
const ASK_FIRST_WITHIN = 10_000;
/** The contact on the disk may be so much older than the last one: each is a write. */
const CONTACT_KEPT_EVERY = 30_000;

/** What the log says as soon as a closed ring is in use. */
export const closedInWords = ({ issuer }: SignerRing): string => `the issuer ${issuer} was deleted: nothing is signed any more, and tokens in use verify until they end`;

export class RingFollower {
  view: FollowerView = { standing: 'unknown', trouble: null, refusedRings: 0 };
  readonly acknowledger: Acknowledger;
  readonly #deps: FollowerDeps;
  readonly #stop = new AbortController();
  /** What is on the disk: nothing earlier is ever taken. */
  #held: SignerRing | null = null;
  /** Whether the ring that the server gave last was refused. Then it is told so, and looked at before it is asked for again. */
  #hasRefused = false;
  #contact: Moment | null = null;
  #contactKept: Moment | null = null;

  constructor(deps: FollowerDeps) {
    this.#deps = deps;
    this.acknowledger = new Acknowledger({ client: deps.client, mode: deps.mode, now: deps.clock.now, log: deps.log });
  }

  /**
   * The ring to begin with. The server is asked first, for up to ten seconds, since the disk may be that of a machine that
   * was rolled back; then the disk is trusted. Where it has none, the server is asked for as long as it takes. Null when
   * it was stopped.
   * @throws MintmarkError `SigningStopped` when the signer was deleted; `AssertionRefused` when it is refused and has no ring.
   */
  async first(): Promise<UsableRing | null> {
    const kept = await this.#keptRing();
    this.#held = kept?.ring ?? null;
    this.#hasRefused = await this.#deps.state.hasRefused();
    const limit = kept === null ? [] : [AbortSignal.timeout(this.#deps.askFirstWithin ?? ASK_FIRST_WITHIN)];
    const signal = AbortSignal.any([this.#stop.signal, ...limit]);
    this.#deps.log.info({ server: this.#deps.enrolled.url, signer: this.#deps.enrolled.name, has: kept === null ? null : pointText(kept.ring) }, kept === null ? 'the server is asked for a ring' : 'the server is asked first; the ring on the disk is used if it gives none within 10 s');
    for (let failures = 1; !signal.aborted; failures += 1) {
      const found = await this.#ask(0, signal);
      if (typeof found === 'object') return found;
      if (found === 'none') return kept;
      if (found === 'deleted') throw this.#deletedInWords();
      if (found === 'refused' && kept === null) throw new MintmarkError('AssertionRefused', `${this.view.trouble}`);
      if (found === 'refused') break;
      await pause(retryAfter(failures), signal);
    }
    if (this.#stop.signal.aborted) return null;
    this.#deps.log.warn({ trouble: this.view.trouble }, 'the ring on the disk is used: the server gave none');
    return kept;
  }

  /** The lease as it stands after `first`. */
  async lease({ leaseSeconds, sentAt }: SignerRing): Promise<Lease> {
    const lease = new Lease(this.#deps.clock, (await this.#deps.state.contact()) ?? new Date(sentAt), leaseSeconds);
    if (this.#contact !== null) lease.renew(this.#contact);
    return lease;
  }

  /** Follows until `stop`, or until the signer was deleted: `user`, who uses `ring` already, gets every later one. */
  async follow(user: RingUser, ring: SignerRing, lease: Lease): Promise<void> {
    this.acknowledger.inUse(ring);
    await Promise.all([this.#followRings(user, lease), this.acknowledger.run(user, this.#stop.signal)]);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #followRings(user: RingUser, lease: Lease): Promise<void> {
    let waiting: UsableRing | null = null;
    for (let failures = 0; !this.#stop.signal.aborted;) {
      // After any failure it waits for nothing before it has had an answer: its lease may be over.
      const isWaiting = waiting === null && this.view.standing === 'connected';
      const found: Found = await this.#ask(isWaiting ? this.#deps.enrolled.pollSeconds : 0, this.#stop.signal);
      if (found === 'deleted') return this.#endAsDeleted(user);
      if (typeof found === 'object') waiting = found;
      if (waiting !== null && (await this.#use(user, lease, waiting))) waiting = null;
      // Only now: a signer whose lease was over may sign again, and by nothing but the ring that the server gave it.
      if (waiting === null && this.#contact !== null) lease.renew(this.#contact);
      const isWell = waiting === null && found !== 'failed' && found !== 'refused';
      failures = isWell ? 0 : failures + 1;
      if (!isWell) await pause(retryAfter(failures), this.#stop.signal);
    }
  }

  /** Whether it is in use. One that can not be used is tried again: the server does not give it twice. */
  async #use(user: RingUser, lease: Lease, opened: UsableRing): Promise<boolean> {
    const { log } = this.#deps;
    const ring = pointText(opened.ring);
    try {
      await user.use(opened);
      lease.seconds = opened.ring.leaseSeconds;
      this.acknowledger.inUse(opened.ring);
      if (opened.ring.open) log.info({ ring, kid: opened.ring.active?.kid ?? null }, 'a later ring is in use');
      else log.error({ ring }, closedInWords(opened.ring));
      return true;
    } catch (err) {
      log.error({ err, ring }, 'a ring could not be put into use; it is tried again');
      return false;
    }
  }

  /** One request. Never rejects: what went wrong is in the view. A ring that it gives is on the disk. */
  async #ask(waitSeconds: number, signal: AbortSignal): Promise<Found> {
    try {
      if (this.#hasRefused) await this.#look(signal);
      const sent = { at: this.#deps.clock.now(), monotonic: this.#deps.clock.monotonic() };
      const jwe = await this.#request(waitSeconds, sent.at, signal);
      const found = jwe === null ? 'none' : await this.#take(jwe);
      if (found !== 'deleted') this.#say({ standing: 'connected', trouble: null });
      await this.#inContact(sent);
      return found;
    } catch (error) {
      return this.#stop.signal.aborted ? 'failed' : await this.#wentWrong(error);
    }
  }

  /**
   * After a refusal: whether what the server gives now could be taken. Nothing of it is, since the server does not count
   * this as a contact, and shows even one that it has written off a ring, without its private half (rule 12). @throws MintmarkError `RingRefused`.
   */
  async #look(signal: AbortSignal): Promise<void> {
    const jwe = await this.#request(0, this.#deps.clock.now(), signal);
    if (jwe !== null) await lookAtRing(jwe, this.#deps.keys, this.#expected(this.#held));
    await this.#refuses(false);
  }

  #request(waitSeconds: number, now: Date, signal: AbortSignal): Promise<string | null> {
    const { client, mode } = this.#deps;
    return client.ring({ mode, point: this.#held, leaseSeconds: this.#held?.leaseSeconds, refused: this.#hasRefused }, waitSeconds, now, signal);
  }

  /** Where it can not be written down, a restart asks once as if nothing had been refused. */
  async #refuses(hasRefused: boolean): Promise<void> {
    if (this.#hasRefused === hasRefused) return;
    this.#hasRefused = hasRefused;
    await this.#deps.state.saveRefusal(hasRefused).catch((err: unknown) => this.#deps.log.error({ err }, 'it could not be written down whether the last ring was refused'));
  }

  /** Opens what the server sent and keeps it. @throws MintmarkError `RingRefused`, or what the disk says. */
  async #take(jwe: string): Promise<UsableRing | 'deleted'> {
    const { state, log } = this.#deps;
    const opened = await this.#open(jwe, this.#held);
    if (opened === 'deleted') {
      await state.wipeRing();
      this.#say({ standing: 'deleted', trouble: 'This signer was deleted on its server.' });
      log.error({ dir: state.dir }, 'this signer was deleted on its server: its ring is wiped, and nothing is signed any more');
      return opened;
    }
    await state.saveRing(jwe);
    this.#held = opened.ring;
    return opened;
  }

  async #open(jwe: string, atLeast: RingPoint | null): Promise<UsableRing | 'deleted'> {
    const { ring, signer } = await openRing(jwe, this.#deps.keys, this.#expected(atLeast));
    return isDeletedSigner(ring) ? 'deleted' : { ring, signer };
  }

  #expected(atLeast: RingPoint | null): ExpectedRing {
    const { issuerId, issuerUrl: issuer, signerId: signer, ringSigningKey } = this.#deps.enrolled;
    return { issuerId, issuer, signer, ringSigningKey, atLeast };
  }

  /** What is on the disk. One that can not be opened is as good as none: the server is asked until it gives another. */
  async #keptRing(): Promise<UsableRing | null> {
    const { state, log } = this.#deps;
    const jwe = await state.ring();
    if (jwe === null) return null;
    try {
      const opened = await this.#open(jwe, null);
      return opened === 'deleted' ? null : opened;
    } catch (err) {
      log.error({ err, dir: state.dir }, 'the ring on the disk can not be opened');
      return null;
    }
  }

  /** A contact that can not be written down counts all the same: after a restart the lease is then shorter than it had to be. */
  async #inContact(sent: Moment): Promise<void> {
    this.#contact = sent;
    if (this.#contactKept !== null && sent.monotonic - this.#contactKept.monotonic < CONTACT_KEPT_EVERY) return;
    try {
      await this.#deps.state.saveContact(sent.at);
      this.#contactKept = sent;
    } catch (err) {
      this.#deps.log.error({ err }, 'the time of this contact could not be written down');
    }
  }

  /** Logged once for each trouble, not for each attempt. */
  async #wentWrong(error: unknown): Promise<'failed' | 'refused'> {
    const { log } = this.#deps;
    const isRingRefused = isMintmarkError(error, 'RingRefused');
    // Still true while the server is away: what it gave last was refused.
    if (isRingRefused) await this.#refuses(true);
    const [isRefusal, isAway, trouble] = [isMintmarkError(error, 'AssertionRefused'), isMintmarkError(error, 'ServerUnreachable'), (error as Error).message];
    if (trouble !== this.view.trouble && isAway) log.warn({ reason: trouble }, 'the server is away; the ring in use stays');
    else if (trouble !== this.view.trouble) log.error({ err: error }, 'the ring could not be followed; the one in use stays');
    this.#say({ standing: isRefusal ? 'refused' : 'away', trouble, refusedRings: this.view.refusedRings + (isRingRefused ? 1 : 0) });
    return isRefusal ? 'refused' : 'failed';
  }

  #say(news: Partial<FollowerView>): void {
    this.view = { ...this.view, ...news };
  }

  async #endAsDeleted(user: RingUser): Promise<void> {
    await user.wipe();
    this.stop();
  }

  #deletedInWords(): MintmarkError {
    const { enrolled, state } = this.#deps;
    return new MintmarkError('SigningStopped', `The signer '${enrolled.name}' was deleted on its server, and its ring was wiped from ${state.dir}. To sign here again, empty that folder and enrol it anew.`);
  }
}
