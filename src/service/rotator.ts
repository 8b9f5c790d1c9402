/**
 * The loop that rotates: looks at each ring when something is due on it, does that one thing, and looks again.
 *
 * Decides, makes a key, decides again on the fresh ring inside the transaction: another process may have been first,
 * so no leader is needed. Doing any step late is safe (rule 2). It never revokes of its own (rule 10), only what a rotation
 * by hand named and had to wait for.
 */
import type { Logger } from 'pino';
import { after, HOUR } from '../domain/durations.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { ChangeCause, NewKey, RingChange, Why } from '../domain/key-ring-change.ts';
import { activate, changeGap, prune, revokeAcknowledged, settleRetirements } from '../domain/rotation.ts';
import { nextStep, type Step, wakeAt } from '../domain/rotation-schedule.ts';
import { writeOffGone } from '../domain/signer.ts';
import type { Store, StoreWriter } from '../store/store.ts';
import { ROTATOR } from './caller.ts';
import type { Clock } from './clock.ts';
import type { MadeKeys, NewKeys } from './new-keys.ts';
import type { Publications } from './publications.ts';
import type { RingCommits } from './ring-commits.ts';

export interface Rotator {
  start(): void;
  /** Something may be due now. */
  wake(): void;
  /** Does everything that is due, once; resolves with how many rings it changed. For tests and for `start`. */
  runDue(): Promise<number>;
  /** Resolves when the step in hand is done. */
  stop(): Promise<void>;
}

/** Rings that are worked on at the same time (as many keys as the pool has ready, by default), and rings fetched in one go. */
const TOGETHER = 8;
const BATCH = 64;
/** How long a ring that could not be handled is left alone, and the whole loop after a failure of the store. */
const RING_BACK_OFF = 60;
const LOOP_BACK_OFF = 5;

/** What is to be done on a ring, and the keys for it, which are given back when they are not used. */
interface PreparedStep {
  readonly issuerId: string;
  readonly step: Step;
  readonly made: MadeKeys;
}

export function createRotator(
  deps: { readonly store: Store; readonly clock: Clock; readonly newKeys: NewKeys; readonly rings: RingCommits; readonly publications: Publications; readonly log: Logger; readonly onFailure?: (rotation: ChangeCause | null) => void },
): Rotator {
  const { store, clock, newKeys, rings, publications, log, onFailure = () => undefined } = deps;
  const { settings } = rings;
  let wakeUp = new AbortController();
  let stopping = false;
  let running: Promise<void> = Promise.resolve();
  let sweptAt: Date | null = null;
  let begun = false;

  /** One step on each ring: first the keys of all of them, then all commits at the same time, so that the store can write them together. */
  async function advance(issuerIds: readonly string[]): Promise<number> {
    const steps = await Promise.all(issuerIds.map((issuerId) => tried(issuerId, () => prepare(issuerId))));
    const changes = await Promise.all(steps.map((step) => (step === null ? null : tried(step.issuerId, () => carryOut(step)))));
    return changes.filter((change) => change !== null).length;
  }

  /** Null when it failed: then the ring is left alone for a while. */
  async function tried<T>(issuerId: string, work: () => Promise<T | null>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      log.error({ issuer: issuerId, err: error }, 'a due step on a key ring failed; it is tried again in a minute');
      await store.write((tx) => tx.setWakeAt(issuerId, after(tx.now, RING_BACK_OFF)));
      return null;
    }
  }

  async function prepare(issuerId: string): Promise<PreparedStep | null> {
    const found = await store.read(async (tx) => ({ ring: await tx.keyRing(issuerId), issuer: await tx.issuer(issuerId) }));
    if (found.ring === null || found.issuer === null) return null;
    const step = nextStep(found.ring, settings, store.now());
    return { issuerId, step, made: await newKeys.make(step.do === 'activate' ? 1 : 0, { tenantId: found.issuer.tenantId, issuerId }) };
  }

  /** Null when nothing was to be done any more. */
  async function carryOut({ issuerId, step, made }: PreparedStep): Promise<'done' | null> {
    if (step.do === 'write off') return writeOffStep(issuerId);
    let change: RingChange | null = null;
    try {
      change = await commit(issuerId, step, made.keys[0]);
    } catch (error) {
      onFailure(step.do === 'activate' ? step.cause : null);
      throw error;
    } finally {
      made.settle(change);
    }
    if (change !== null) log.info({ issuer: issuerId, step: step.do, reason: 'reason' in step ? step.reason : undefined, version: change.ring.version }, 'key ring changed');
    return change === null ? null : 'done';
  }

  async function writeOffStep(issuerId: string): Promise<'done' | null> {
    const reason = await store.write((tx) => writeOffIn(tx, issuerId));
    if (reason !== null) log.warn({ issuer: issuerId, reason }, 'signers were written off');
    return reason === null ? null : 'done';
  }

  async function writeOffIn(tx: StoreWriter, issuerId: string): Promise<string | null> {
    const ring = await tx.keyRing(issuerId);
    const step = ring === null ? null : nextStep(ring, settings, tx.now);
    if (step?.do !== 'write off') return null;
    for (const { id } of step.signers) {
      const signer = await tx.signer(id);
      if (signer !== null) await tx.putSigner(writeOffGone(signer, tx.now));
    }
    await rings.look(tx, issuerId);
    return step.reason;
  }

  async function commit(issuerId: string, expected: Step, key: NewKey | undefined): Promise<RingChange | null> {
    return store.write(async (tx) => {
      const done = await rings.commit(tx, issuerId, (ring, now) => {
        const step = nextStep(ring, settings, now);
        return step.do === expected.do ? take(ring, step, key, now) : null;
      });
      if (done !== null && done.made === null) await tx.setWakeAt(issuerId, wakeAt(done.ring, settings, tx.now));
      return done?.made ?? null;
    });
  }

  async function runDue(): Promise<number> {
    let changed = 0;
    for (;;) {
      const due = await store.read((tx) => tx.dueIssuers(store.now(), BATCH));
      for (let at = 0; at < due.length && !stopping; at += TOGETHER) changed += await advance(due.slice(at, at + TOGETHER));
      if (due.length === 0 || stopping) return changed;
      await publications.settle();
    }
  }

  async function sweep(): Promise<void> {
    const now = store.now();
    if (sweptAt !== null && now < after(sweptAt, HOUR)) return;
    await store.write((tx) => tx.sweep());
    sweptAt = now;
  }

  /** Before the first round. A signer whose name another has taken could not ask while there was no server: that is no silence. */
  async function begin(): Promise<void> {
    if (!begun) await store.write((tx) => tx.restartReplacements());
    begun = true;
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      wakeUp = new AbortController();
      let next: Date | null;
      try {
        await begin();
        await publications.settle();
        await runDue();
        await sweep();
        next = await store.read((tx) => tx.nextWake());
      } catch (error) {
        log.error({ err: error }, 'the rotator could not do its round; it goes on in a few seconds');
        next = after(clock.now(), LOOP_BACK_OFF);
      }
      if (!stopping) await clock.wait(next, wakeUp.signal);
    }
  }

  return {
    start: () => { running = loop(); },
    wake: () => wakeUp.abort(),
    runDue,
    async stop() {
      stopping = true;
      wakeUp.abort();
      await running;
    },
  };
}

/** Carries out one step on the ring that it was decided on. */
function take(ring: KeyRing, step: Step, key: NewKey | undefined, now: Date): RingChange | null {
  const why = (cause: Why['cause'], reason: string): Why => ({ cause, actor: ROTATOR, reason });
  if (step.do === 'prune') return prune(ring, now, why('expiry', step.reason));
  if (step.do === 'revoke') return revokeAcknowledged(ring, now, why('manual', step.reason));
  if (step.do === 'settle retirement') return settleRetirements(ring, now, why('acknowledgement', step.reason));
  if (step.do === 'change gap') return changeGap(ring, step.seconds, now, why('configuration', step.reason));
  if (step.do === 'activate' && key !== undefined) return activate(ring, key, now, why(step.cause, step.reason));
  return null;
}
