/**
 * A model of a signer and of the API server beside it, after rule 6: on a new ring it writes, uses, then acknowledges; it
 * never goes back; past its lease it refuses to sign. Its wrong twins differ in one habit each.
 */
import { type KeyRing, keysIn, publishedKeys, verifyOnlyKeys } from '../../src/domain/key-ring.ts';
import type { SaidBySigner, SignerMode, SignerRecord } from '../../src/domain/signer.ts';

/** What a wrong twin does. */
export type Habit = 'acknowledges before it has written' | 'acknowledges before the API server has restarted' | 'goes back a version' | 'signs beyond its lease' | 'renews its lease before it has the ring' | 'takes what it is shown after a refusal';

/** A ring as a signer has it: all public halves, and the private half of the active key alone. */
export interface HeldRing {
  readonly epoch: number;
  readonly version: number;
  readonly keys: readonly { readonly kid: string; readonly expiresAt: Date | null }[];
  /** Null on a closed ring. */
  readonly active: string | null;
  readonly leaseSeconds: number | null;
}

/** What a signer has of its server. */
export interface SignerServer {
  contact(id: string): Promise<{ readonly signer: SignerRecord; readonly ring: KeyRing } | null>;
  /** Of one that refused its ring. */
  look(id: string): Promise<{ readonly signer: SignerRecord; readonly ring: KeyRing } | null>;
  acknowledge(id: string, said: SaidBySigner): Promise<void>;
  /** True time, in milliseconds. */
  readonly time: number;
}

/** Where a poll breaks off. */
export type Mishap = 'none' | 'the reply is lost' | 'it crashes before it has written' | 'it crashes after it has written' | 'the acknowledgement is lost';

export class ModelSigner {
  readonly id: string;
  readonly mode: SignerMode;
  readonly habit: Habit | null;
  /** How far its host's clock is ahead, in milliseconds. */
  skew = 0;
  connected = true;
  running = true;
  /** Whether what reaches it now is none that it can take: of another server, or changed on the way. */
  refuses = false;
  /** On its disk: whether the last ring that came was refused. */
  hasRefused = false;
  disk: HeldRing | null = null;
  inUse: HeldRing | null = null;
  /** What the API server beside it verifies with; with key files it signs with that too, until it restarts. */
  apiServer: HeldRing | null = null;
  /** The last answer that it had, which an attacker or a stale replica can give it again. */
  recorded: HeldRing[] = [];
  #server: SignerServer;
  #lastSent = 0;
  #acked: HeldRing | null = null;
  #shown: HeldRing | null = null;

  constructor(id: string, mode: SignerMode, server: SignerServer, habit: Habit | null) {
    this.id = id;
    this.mode = mode;
    this.#server = server;
    this.habit = habit;
  }

  /** Its own clock. */
  get now(): number {
    return this.#server.time + this.skew;
  }

  async poll(mishap: Mishap): Promise<void> {
    if (!this.running || !this.connected) return;
    const isShown = this.hasRefused;
    if (isShown && !(await this.#look(mishap))) return;
    const sentAt = this.now;
    if (isShown && this.habit === 'takes what it is shown after a refusal') return void (await this.#useShown(sentAt));
    const answer = await this.#server.contact(this.id);
    if (mishap === 'the reply is lost' || answer === null) return;
    if (answer.signer.deletedAt !== null) return this.#wipe();
    const ring = heldRing(answer.ring, new Date(this.#server.time), answer.signer.leaseSeconds);
    this.recorded.push(ring);
    if (this.refuses) this.hasRefused = true;
    if (this.refuses || !this.#accepts(ring)) return;
    if (this.habit === 'renews its lease before it has the ring') this.#lastSent = sentAt;
    if (this.inUse === null || isLower(this.inUse, ring)) {
      if (!(await this.#take(ring, mishap))) return;
    }
    this.#lastSent = sentAt;
    if (mishap !== 'the acknowledgement is lost') await this.acknowledge();
  }

  /** After a refusal: whether it could take what there is now. It takes nothing of it. */
  async #look(mishap: Mishap): Promise<boolean> {
    const shown = await this.#server.look(this.id);
    if (mishap === 'the reply is lost' || shown === null || (this.refuses && shown.signer.deletedAt === null)) return false;
    this.hasRefused = false;
    this.#shown = shown.signer.deletedAt === null ? heldRing(shown.ring, new Date(this.#server.time), shown.signer.leaseSeconds) : null;
    return true;
  }

  /** The wrong twin's way: the ring and a lease from what was no contact. */
  async #useShown(sentAt: number): Promise<void> {
    if (this.#shown === null || !(await this.#take(this.#shown, 'none'))) return;
    this.#lastSent = sentAt;
    await this.acknowledge();
  }

  /** A ring that it had before is put before it once more. */
  async replay(index: number): Promise<void> {
    const ring = this.recorded[index % Math.max(1, this.recorded.length)];
    if (ring !== undefined && this.running && this.#accepts(ring) && this.habit === 'goes back a version') await this.#take(ring, 'none');
  }

  /** False when it crashed on the way. */
  async #take(ring: HeldRing, mishap: Mishap): Promise<boolean> {
    if (this.habit === 'acknowledges before it has written') await this.#say(ring);
    if (mishap === 'it crashes before it has written') return this.stop();
    this.disk = ring;
    if (mishap === 'it crashes after it has written') return this.stop();
    this.inUse = ring;
    if (this.mode === 'external') this.apiServer = ring;
    return true;
  }

  /** Says what its API server verifies with; with key files only once that is so. */
  async acknowledge(): Promise<void> {
    if (!this.running || !this.connected || this.inUse === null) return;
    const isProven = this.apiServer !== null && this.apiServer.version === this.inUse.version;
    if (!isProven && this.habit !== 'acknowledges before the API server has restarted') return;
    if (this.#acked === null || isLower(this.#acked, this.inUse)) await this.#say(this.inUse);
    this.#acked = this.inUse;
  }

  async #say(ring: HeldRing): Promise<void> {
    await this.#server.acknowledge(this.id, { epoch: ring.epoch, version: ring.version, keyInUse: ring.active, mode: this.mode });
  }

  stop(): false {
    this.running = false;
    this.inUse = null;
    this.#acked = null;
    return false;
  }

  /** From its disk. */
  start(): void {
    this.running = true;
    this.inUse = this.disk;
    if (this.mode === 'external') this.apiServer = this.disk;
  }

  /** With key files, the API server reads them now. */
  restartApiServer(): void {
    if (this.mode === 'keyFiles') this.apiServer = this.disk;
  }

  /** The kid that a token would be signed with now; null when it is refused. */
  signsWith(): string | null {
    if (this.mode === 'keyFiles') return this.apiServer?.active ?? null;
    if (!this.running || this.inUse === null) return null;
    const { leaseSeconds, active } = this.inUse;
    const hasLease = leaseSeconds === null || this.now < this.#lastSent + leaseSeconds * 1000;
    return hasLease || this.habit === 'signs beyond its lease' ? active : null;
  }

  /** The ring that tokens are signed from. */
  get signing(): HeldRing | null {
    return this.mode === 'keyFiles' ? this.apiServer : this.inUse;
  }

  /** Whether its API server would find the key of a token. */
  verifies(kid: string): boolean {
    return this.apiServer?.keys.some((key) => key.kid === kid && (key.expiresAt === null || key.expiresAt.getTime() > this.now)) === true;
  }

  /** The kids whose private half is on its host. */
  get privateKids(): ReadonlySet<string> {
    return new Set([this.disk, this.inUse, this.mode === 'keyFiles' ? this.apiServer : null].flatMap((ring) => ring?.active ?? []));
  }

  #accepts(ring: HeldRing): boolean {
    return this.habit === 'goes back a version' || this.disk === null || !isLower(ring, this.disk);
  }

  #wipe(): void {
    [this.disk, this.inUse, this.apiServer] = [null, null, null];
  }
}

const isLower = (a: HeldRing, b: HeldRing): boolean => a.epoch < b.epoch || (a.epoch === b.epoch && a.version < b.version);

function heldRing(ring: KeyRing, now: Date, leaseSeconds: number | null): HeldRing {
  const keys = [...publishedKeys(ring, now), ...verifyOnlyKeys(ring, now)].map(({ kid, expiresAt }) => ({ kid, expiresAt }));
  return { epoch: ring.epoch, version: ring.version, keys, active: keysIn(ring, 'active')[0]?.kid ?? null, leaseSeconds };
}
