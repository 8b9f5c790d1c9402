/**
 * One life of one place: requests are sent, the server is killed, what it left is examined, it starts again, and what it
 * serves is compared with what was promised. Again and again, on the same files.
 *
 * Chance decides by the seed: what is asked, when the kill falls, how far the clock moves. What the machine makes of it
 * in these milliseconds is not in the seed, so a failure comes again by it soon, not at once.
 */
import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DAY, HOUR, MINUTE } from '../../src/domain/durations.ts';
import { OPERATION_DAYS } from '../../src/domain/operation.ts';
import type { RotateReply, TokenReply } from '../../src/http/management/contract.ts';
import { ClusterApi, type HttpReply, logIn, success } from '../support/dev-api.ts';
import type { Running } from '../support/dev-server.ts';
import { chooseDeeds, type Deed, type DeedKind, DEEDS, newDeed, sendDeed } from './deeds.ts';
import { examineStore, type LeftBehind } from './left-behind.ts';
import { assertRecord, assertRepeat, type ClusterRecord, newRecord, operationOf, type Outcome, reconcile } from './model.ts';
import { type Place, PLACES, type PlaceKind } from '../support/place.ts';
import { Random } from './random.ts';
import { assertEnds, assertServed, type GivenToken, givenToken, type NamedOperation, statusOf, verifyTokens } from './served.ts';
import type { Moment, Tally } from './tally.ts';

/** Kills between two times at which every operation has to end. */
const SETTLE_EVERY = 10;
/** Of an access token, an hour, so much is used. */
const LOGIN_FOR = 50 * MINUTE;
/** How far the clock is moved, and how often: beyond the end of retired keys, and beyond a rotation period. */
const MOVES = { [25 * HOUR]: 4, [32 * DAY]: 1 };
/** Milliseconds that a request takes, until it was measured. */
const GUESS = 50;
/** A commit is a burst of writes to SQLite's log; after up to so many of them, as the system tells them, the kill falls. */
const MOST_WRITES = 6;

type RequestMoment = Exclude<Moment, 'rotator' | 'starting'>;

/** A deed without a reply, and whether the store had it. */
interface Unanswered {
  readonly deed: Deed;
  readonly done: boolean;
}

export class Round {
  readonly #place: Place;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #records: ClusterRecord[] = [];
  readonly #operations = new Map<string, NamedOperation>();
  /** Kind of deed → milliseconds that one took, undisturbed. */
  readonly #lengths = new Map<DeedKind, number>();
  /** Requests take longer right after a start, and on a machine that has more to do, than they did when they were measured. */
  #stretch = 1;
  #tokens: readonly GivenToken[] = [];
  #startLength = 500;
  #loggedInAt = 0;
  #accessToken = '';
  #server: Running | null = null;

  private constructor(place: Place, random: Random, tally: Tally) {
    [this.#place, this.#random, this.#tally] = [place, random, tally];
  }

  /** Lives through so many kills. The error of a failure says where; `keep`: a copy of the files stays, and it says where. */
  static async live({ kind, seed, kills, tally, keep = false }: { readonly kind: PlaceKind; readonly seed: string; readonly kills: number; readonly tally: Tally; readonly keep?: boolean }): Promise<void> {
    const place = await PLACES[kind]();
    const round = new Round(place, new Random(seed), tally);
    const before = tally.allKills;
    try {
      await round.#begin();
      while (tally.allKills < before + kills) await round.#step();
      await round.#end();
    } catch (cause) {
      await round.#server?.end('SIGKILL');
      const kept = join(tmpdir(), `mintmark-torture-${seed}`);
      if (keep) await cp(place.dir, kept, { recursive: true });
      const output = round.#server === null ? '' : `\nThe server's last words:\n${round.#server.stdout.slice(-500)}${round.#server.stderr.slice(-3000)}`;
      throw new Error(`mintmark ${kind}, seed ${seed}, after kill ${tally.allKills - before} of the round${keep ? `, its files in ${kept}` : ''}: ${(cause as Error).message}${output}`, { cause });
    } finally {
      await place.remove();
    }
  }

  /** A first start, killed before; then each kind of request once, to know how long it takes. */
  async #begin(): Promise<void> {
    await this.#killStarts();
    await this.#start();
    for (let made = 0; made < 3; made += 1) this.#records.push(await this.#undisturbed('create', await this.#newRecord()));
    for (const kind of ['token', 'rotate', 'force', 'emergency', 'revoke'] as const) await this.#undisturbed(kind, this.#records[0]!);
  }

  async #undisturbed(kind: DeedKind, record: ClusterRecord): Promise<ClusterRecord> {
    const deed = newDeed(kind, record, this.#random);
    const reply = await this.#timed(deed);
    assert.ok(reply !== null, `${kind} had no reply though nothing was killed`);
    const left = await this.#examine();
    this.#settle([{ deed, reply }], left);
    return record;
  }

  /** Sends it, and remembers for how long nothing disturbed it. */
  async #timed(deed: Deed): Promise<HttpReply | null> {
    const begun = performance.now();
    const reply = await sendDeed(deed);
    this.#lengths.set(deed.kind, performance.now() - begun);
    return reply;
  }

  async #step(): Promise<void> {
    const moment = this.#random.weighted<Moment>({ 'in flight': 5, commit: 8, 'first byte': 3, rotator: this.#place.moveClock === null ? 0 : 3, starting: 2 });
    const outcomes = moment === 'rotator' ? await this.#killRotator() : moment === 'starting' ? await this.#killIdle() : await this.#killRequests(moment);
    this.#tally.kills[moment] += 1;
    const left = await this.#examine();
    const repeats = this.#settle(outcomes, left);
    if (moment === 'in flight') this.#aim(outcomes, repeats);
    await this.#start();
    await this.#assertServed();
    await this.#repeat(repeats);
    if (this.#tally.allKills % SETTLE_EVERY === 0) await this.#endOperations();
  }

  async #end(): Promise<void> {
    await this.#endOperations();
    const { code } = await this.#server!.end('SIGTERM');
    assert.equal(code, 0, 'it stops when it is asked to');
    const left = await this.#examine();
    this.#settle([], left);
    for (const { events } of this.#records) {
      this.#tally.pruned += events.filter(({ kind }) => kind === 'pruned').length;
      this.#tally.automatic += events.filter(({ kind, cause }) => kind === 'activated' && cause === 'automatic').length;
    }
  }

  async #killRequests(moment: RequestMoment): Promise<readonly Outcome[]> {
    const deeds = chooseDeeds(this.#records, await this.#newRecord(), this.#random);
    this.#records.push(...deeds.filter(({ kind }) => kind === 'create').map(({ record }) => record));
    const come = this.#wait(moment, deeds);
    let waitingFor = deeds.length;
    const replies = deeds.map(async (deed) => {
      const reply = await sendDeed(deed, { onReply: come.onReply });
      waitingFor -= 1;
      return { deed, reply };
    });
    await Promise.race([come.now, Promise.all(replies)]);
    come.end();
    if (waitingFor > 0) this.#tally.unanswered += 1;
    await this.#kill();
    return Promise.all(replies);
  }

  /** `now` resolves when the moment has come; `end` says that it is over. */
  #wait(moment: RequestMoment, deeds: readonly Deed[]): { readonly now: Promise<void>; readonly onReply: () => void; readonly end: () => void } {
    const nothing = (): void => undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (moment === 'first byte') return { now: promise.then(() => pause(this.#random.below(3))), onReply: resolve, end: nothing };
    // One thread does them all.
    if (moment === 'in flight') return { now: pause(this.#random.below(this.#stretch * deeds.reduce((sum, { kind }) => sum + (this.#lengths.get(kind) ?? GUESS), 0))), onReply: nothing, end: nothing };
    let writes = 1 + this.#random.integerBelow(MOST_WRITES);
    const watcher = watch(`${this.#place.storeFile}-wal`, () => {
      if ((writes -= 1) === 0) resolve();
    });
    return { now: promise, onReply: nothing, end: () => watcher.close() };
  }

  /** A kill that came before anything was done was too soon for this machine as it is now; one after all replies, too late. */
  #aim(outcomes: readonly Outcome[], repeats: readonly Unanswered[]): void {
    if (repeats.length === 0) this.#stretch /= 1.25;
    else if (repeats.length === outcomes.length && !repeats.some(({ done }) => done)) this.#stretch *= 1.25;
  }

  /** The clock moves, so keys end and rotations are due; the kill falls while that is done, or before. */
  async #killRotator(): Promise<readonly Outcome[]> {
    const seconds = Number(this.#random.weighted(MOVES));
    // What has ended is forgotten a week later.
    if (seconds > OPERATION_DAYS * DAY) await this.#endOperations();
    await this.#place.moveClock!(seconds);
    await pause(this.#random.below(300));
    await this.#kill();
    return [];
  }

  /** Nothing is asked of it; what follows is a start that is killed as well. */
  async #killIdle(): Promise<readonly Outcome[]> {
    await this.#kill();
    await this.#killStarts();
    return [];
  }

  /** One or two starts that are killed before they are up, or hardly are. */
  async #killStarts(): Promise<void> {
    for (let left = 1 + this.#random.integerBelow(2); left > 0; left -= 1) {
      this.#server = this.#place.launch();
      await pause(this.#random.below(1.2 * this.#startLength));
      this.#tally.killedStarts += 1;
      await this.#kill();
    }
  }

  async #kill(): Promise<void> {
    const { stderr } = await this.#server!.end('SIGKILL');
    assert.doesNotMatch(stderr, /"level":(?:50|60)|^\s+at .*\(|ERROR: /m, 'the server has reported a fault');
  }

  async #start(): Promise<void> {
    const begun = performance.now();
    this.#place.newConnections();
    this.#server = this.#place.launch();
    await this.#place.up(this.#server);
    this.#startLength = performance.now() - begun;
    this.#tally.restarted(this.#startLength);
    await this.#logIn();
  }

  async #logIn(): Promise<void> {
    const now = this.#place.now().getTime() / 1000;
    if (now < this.#loggedInAt + LOGIN_FOR) return;
    this.#accessToken = await logIn(this.#place);
    this.#loggedInAt = now;
    const any = await this.#apiOf('any');
    success(await any.send('PUT', any.cluster.split('/providers/')[0]!, { location: 'eastus' }));
    for (const record of this.#records) record.api = await this.#apiOf(record.name);
  }

  #apiOf(name: string): Promise<ClusterApi> {
    return ClusterApi.open(this.#place, { name, accessToken: this.#accessToken });
  }

  async #newRecord(): Promise<ClusterRecord> {
    const name = `c${this.#records.length + 1}`;
    return newRecord(name, await this.#apiOf(name));
  }

  async #examine(): Promise<LeftBehind> {
    return examineStore(this.#place, (await this.#place.profile()).subscriptionId);
  }

  /** Compares outcomes and store, keeps what was given out; returns the deeds that have to be repeated. */
  #settle(outcomes: readonly Outcome[], left: LeftBehind): readonly Unanswered[] {
    const repeats: Unanswered[] = [];
    for (const outcome of outcomes) {
      const { deed, reply } = outcome;
      const fate = reconcile(outcome, left);
      this.#tally.fates[deed.kind][fate] += 1;
      if (reply === null) repeats.push({ deed, done: fate === 'without a reply, and done' });
      if (fate === 'acknowledged') this.#keep(outcome);
    }
    for (const record of this.#records) assertRecord(record, left);
    return repeats;
  }

  /** What a reply gave out: a token, an operation. */
  #keep({ deed: { kind, record }, reply }: Outcome): void {
    if (reply === null) return;
    if (kind === 'token') this.#tokens = [...this.#tokens, givenToken(success<TokenReply>(reply).status.token, record)];
    const id = reply.status !== 202 ? undefined : kind === 'delete' ? String(reply.headers['azure-asyncoperation']).split('/').at(-1) : (JSON.parse(reply.text) as RotateReply).operationId;
    if (id !== undefined) this.#operations.set(id, { id, record });
  }

  async #assertServed(): Promise<void> {
    for (const record of this.#records.filter(({ state }) => state === 'there')) await assertServed(this.#place, record, this.#tokens);
    const { living, verified, failed } = await verifyTokens(this.#place, this.#tokens);
    this.#tokens = living;
    this.#tally.verifiedTokens += verified;
    this.#tally.brokenTokens += failed;
    for (const operation of this.#operations.values()) await statusOf(operation);
  }

  /** A request that had no reply is sent again, as a client would: it was done, or it is now; and once more it is the same one. */
  async #repeat(repeats: readonly Unanswered[]): Promise<void> {
    const outcomes: Outcome[] = [];
    for (const { deed: { kind, ...facts }, done } of repeats) {
      const deed: Deed = { ...facts, kind: kind === 'rotate twice at once' ? 'rotate' : kind };
      if (kind === 'token' && deed.record.state !== 'there') continue;
      const reply = await this.#timed(deed);
      assert.ok(reply !== null, `${kind} was repeated and had no reply`);
      outcomes.push({ deed, reply });
      if (DEEDS[kind].cause === null) continue;
      assertRepeat(deed, done, reply);
      assert.equal(operationOf(await sendDeed(deed)), operationOf(reply), `${kind} was repeated once more and is another operation`);
      if (kind === 'delete') deed.record.state = 'deleted';
    }
    if (outcomes.length === 0) return;
    const left = await this.#examine();
    for (const outcome of outcomes) if (reconcile(outcome, left) === 'acknowledged') this.#keep(outcome);
    for (const record of this.#records) assertRecord(record, left);
  }

  /** After time enough every operation has ended. */
  async #endOperations(): Promise<void> {
    await this.#place.moveClock?.(MINUTE);
    for (const operation of this.#operations.values()) await assertEnds(operation);
    this.#tally.endedOperations += this.#operations.size;
    this.#operations.clear();
  }
}
