import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { aRing, anIssuer, FixtureClock, FixtureSource } from '../../test/support/document-source.ts';
import { BY_HAND, newKey, START } from '../../test/support/rings.ts';
import { MintmarkError } from '../domain/errors.ts';
import { JWKS_SUFFIX } from '../domain/issuer.ts';
import { activate, close } from '../domain/rotation.ts';
import { type Answer, Publisher } from './publisher.ts';

const log = pino({ level: 'silent' });
const DOWN = new MintmarkError('StoreUnavailable', 'The store can not be read.');
const CORRUPT = new MintmarkError('StoreCorrupt', 'The ring is not whole.');
const jwksOf = (number: number): string => `${anIssuer(number).path}${JWKS_SUFFIX}`;
const rotated = (number: number) => activate(aRing(anIssuer(number)), newKey(3), START, BY_HAND).ring;

/** A publisher that has caught up with a store of some issuers. */
async function setUp({ issuers = 1, maxIssuersInMemory = 100 } = {}) {
  const [source, clock] = [new FixtureSource(), new FixtureClock()];
  for (let number = 0; number < issuers; number += 1) source.commit(anIssuer(number), aRing(anIssuer(number)));
  const publisher = new Publisher(source, clock, log, { name: 'here', maxIssuersInMemory });
  await publisher.catchUp();
  return { source, clock, publisher };
}

/** The kids that an answer lists, or what it says instead. */
async function kids(answer: Answer | Promise<Answer>): Promise<string> {
  const settled = await answer;
  if (typeof settled === 'string') return settled;
  return (JSON.parse(settled.body.toString()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid).join(' ');
}

test('an issuer is loaded by the first request, once for all who ask meanwhile, and is then answered at once', async () => {
  const { source, publisher } = await setUp();
  const answers = await Promise.all([0, 0, 0].map((number) => kids(publisher.lookup(jwksOf(number)))));
  assert.deepEqual(answers, ['key1 key2', 'key1 key2', 'key1 key2']);
  const later = publisher.lookup(jwksOf(0));
  assert.ok(typeof later === 'object' && !(later instanceof Promise));
  assert.equal(source.issuerReads, 1);
});

test('random ids, and paths that no issuer can have, cost no query and no memory', async () => {
  const { source, publisher } = await setUp();
  for (let count = 0; count < 1000; count += 1) {
    assert.equal(publisher.lookup(`/eastus/tenant/${crypto.randomUUID()}/${JWKS_SUFFIX}`), 'not found');
    assert.equal(publisher.lookup(`/${count}`), 'not found');
  }
  assert.deepEqual([source.issuerReads, publisher.counts.issuersInMemory, publisher.counts.issuersKnown], [0, 0, 1]);
});

test('the right uuid under another path is not found, and costs one load at most', async () => {
  const { source, publisher } = await setUp();
  for (const wrong of [jwksOf(0).replace('eastus', 'westus'), jwksOf(0).replace('/1111', '/2222'), `/x${jwksOf(0)}`, jwksOf(0).replace('eastus', 'EastUS')]) {
    assert.equal(await publisher.lookup(wrong), 'not found', wrong);
  }
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2');
  assert.equal(source.issuerReads, 1);
});

test('a rotation is served as soon as catchUp resolves, and confirmed only then', async () => {
  const { source, publisher } = await setUp();
  await publisher.lookup(jwksOf(0));
  const change = source.commit(anIssuer(0), rotated(0));
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2');
  assert.equal(await publisher.catchUp(), change);
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2 key3');
  assert.deepEqual(source.confirmed, [{ publisher: 'here', change: 1 }, { publisher: 'here', change }]);
});

test('nothing new is confirmed once, however often one looks', async () => {
  const { source, publisher } = await setUp();
  await Promise.all([publisher.catchUp(), publisher.catchUp()]);
  await publisher.catchUp();
  assert.equal(source.confirmed.length, 1);
});

test('more changes than one batch are all followed', async () => {
  const { source, publisher } = await setUp();
  for (let number = 1; number <= 1200; number += 1) source.commit(anIssuer(number), aRing(anIssuer(number)));
  assert.equal(await publisher.catchUp(), 1201);
  assert.equal(publisher.counts.issuersKnown, 1201);
  assert.equal(await kids(publisher.lookup(jwksOf(1200))), 'key1 key2');
});

test('a load that is overtaken by a change does not bring the old document after the change is confirmed', async () => {
  const { source, publisher } = await setUp();
  const gate = Promise.withResolvers<void>();
  source.gate = gate.promise;
  const asked = publisher.lookup(jwksOf(0));
  await Promise.resolve();
  source.commit(anIssuer(0), rotated(0));
  await publisher.catchUp();
  gate.resolve();
  assert.equal(await kids(asked), 'key1 key2 key3');
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2 key3');
  assert.equal(source.issuerReads, 2);
});

test('before it is known to the store it serves nothing and denies nothing', async () => {
  const source = new FixtureSource();
  source.commit(anIssuer(0), aRing(anIssuer(0)));
  source.failure = DOWN;
  const publisher = new Publisher(source, new FixtureClock(), log, { name: 'here', maxIssuersInMemory: 100 });
  await assert.rejects(publisher.catchUp(), DOWN);
  assert.deepEqual([publisher.ready, await publisher.lookup(jwksOf(0)), await publisher.lookup('/x')], [false, 'unavailable', 'not found']);
  source.failure = null;
  source.writeFailure = DOWN;
  await assert.rejects(publisher.catchUp(), DOWN);
  assert.deepEqual([publisher.ready, await publisher.lookup(jwksOf(0))], [false, 'unavailable'], 'the store has to know it first');
  source.writeFailure = null;
  await publisher.catchUp();
  assert.deepEqual([publisher.ready, await kids(publisher.lookup(jwksOf(0)))], [true, 'key1 key2']);
});

test('while the store is down: what is in memory is served, what is not is unavailable, and so is an id that may be new', async () => {
  const { source, clock, publisher } = await setUp({ issuers: 2 });
  await publisher.lookup(jwksOf(0));
  source.failure = DOWN;
  assert.equal(await publisher.lookup(jwksOf(1)), 'unavailable');
  assert.equal(publisher.lookup(jwksOf(2)), 'not found');
  await assert.rejects(publisher.catchUp(), DOWN);
  assert.equal(publisher.lookup(jwksOf(2)), 'unavailable');
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2');
  source.failure = null;
  await publisher.catchUp();
  assert.equal(publisher.lookup(jwksOf(2)), 'not found');
  assert.equal(await publisher.lookup(jwksOf(1)), 'unavailable', 'not tried again within a second');
  clock.advance(1);
  assert.equal(await kids(publisher.lookup(jwksOf(1))), 'key1 key2');
});

test('a corrupt ring is unavailable, whether it was in memory or not, and keeps no one else from being confirmed', async () => {
  const { source, publisher } = await setUp({ issuers: 3 });
  await publisher.lookup(jwksOf(0));
  source.corrupt.set(anIssuer(0).id, CORRUPT).set(anIssuer(1).id, CORRUPT);
  assert.equal(await publisher.lookup(jwksOf(1)), 'unavailable');
  source.commit(anIssuer(0), rotated(0));
  const change = source.commit(anIssuer(2), rotated(2));
  assert.equal(await publisher.catchUp(), change);
  assert.deepEqual([await kids(publisher.lookup(jwksOf(0))), await kids(publisher.lookup(jwksOf(2)))], ['unavailable', 'key1 key2 key3']);
});

test('a corrupt ring that was made whole by a commit is served without delay', async () => {
  const { source, publisher } = await setUp();
  source.corrupt.set(anIssuer(0).id, CORRUPT);
  assert.equal(await publisher.lookup(jwksOf(0)), 'unavailable');
  source.corrupt.clear();
  source.commit(anIssuer(0), rotated(0));
  await publisher.catchUp();
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2 key3');
});

test('a failure of the store in the middle of a round confirms nothing and drops nothing', async () => {
  const { source, publisher } = await setUp();
  await publisher.lookup(jwksOf(0));
  source.corrupt.set(anIssuer(0).id, DOWN);
  source.commit(anIssuer(0), rotated(0));
  await assert.rejects(publisher.catchUp(), DOWN);
  assert.deepEqual([source.confirmed.length, await kids(publisher.lookup(jwksOf(0)))], [1, 'key1 key2']);
  source.corrupt.clear();
  assert.equal(await publisher.catchUp(), 2);
  assert.equal(await kids(publisher.lookup(jwksOf(0))), 'key1 key2 key3');
});

test('a key that leaves by time, and a deleted issuer that ends, need no store', async () => {
  const { source, clock, publisher } = await setUp({ issuers: 2 });
  source.commit(anIssuer(0), rotated(0));
  source.commit({ ...anIssuer(1), deletedAt: START }, close(aRing(anIssuer(1)), START, BY_HAND)!.ring);
  await publisher.catchUp();
  assert.deepEqual([await kids(publisher.lookup(jwksOf(0))), await kids(publisher.lookup(jwksOf(1)))], ['key1 key2 key3', 'key1']);
  source.failure = DOWN;
  clock.advance(86_400 + 300);
  assert.deepEqual([await kids(publisher.lookup(jwksOf(0))), publisher.lookup(jwksOf(1))], ['key2 key3', 'not found']);
});

test('an issuer that the store has forgotten is not found, in memory or not, and is asked for once', async () => {
  const { source, publisher } = await setUp({ issuers: 2 });
  await publisher.lookup(jwksOf(0));
  source.forget(anIssuer(0).id);
  source.forget(anIssuer(1).id);
  assert.equal(await publisher.lookup(jwksOf(1)), 'not found');
  await publisher.catchUp();
  assert.equal(publisher.lookup(jwksOf(0)), 'not found');
});

test('memory is bounded', async () => {
  const { publisher } = await setUp({ issuers: 50, maxIssuersInMemory: 10 });
  for (let number = 0; number < 50; number += 1) assert.equal(await kids(publisher.lookup(jwksOf(number))), 'key1 key2');
  assert.deepEqual([publisher.counts.issuersInMemory, publisher.counts.evictions], [10, 40]);
});

test('loads at the same time are bounded, and who comes too late is told to come again', async () => {
  const { source, publisher } = await setUp({ issuers: 100 });
  const gate = Promise.withResolvers<void>();
  source.gate = gate.promise;
  const asked = Array.from({ length: 100 }, (_, number) => kids(publisher.lookup(jwksOf(number))));
  gate.resolve();
  const answers = await Promise.all(asked);
  assert.deepEqual([answers.filter((answer) => answer === 'key1 key2').length, answers.filter((answer) => answer === 'unavailable').length], [64, 36]);
  assert.equal(await kids(publisher.lookup(jwksOf(99))), 'key1 key2', 'being refused is no failure of the issuer');
});

test('the loop follows what it is poked for, outlives a failing store, and stops', async () => {
  const { source, clock, publisher } = await setUp();
  const confirmed = (change: number) => until(() => publisher.counts.confirmedChange === change);
  publisher.start();
  publisher.start();
  source.commit(anIssuer(0), rotated(0));
  publisher.poke();
  await confirmed(2);
  source.failure = DOWN;
  publisher.poke();
  await until(() => publisher.counts.failedRounds === 1);
  clock.advance(0.25);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(publisher.counts.failedRounds, 1, 'after a failure it waits longer');
  clock.advance(0.25);
  await until(() => publisher.counts.failedRounds === 2);
  source.failure = null;
  source.commit(anIssuer(1), aRing(anIssuer(1)));
  clock.advance(1);
  await confirmed(3);
  source.commit(anIssuer(2), aRing(anIssuer(2)));
  clock.advance(0.25);
  await confirmed(4);
  await publisher.stop();
  source.commit(anIssuer(3), aRing(anIssuer(3)));
  publisher.poke();
  clock.advance(60);
  await publisher.stop();
  assert.equal(publisher.counts.confirmedChange, 4);
});

/** Lets the loop of this process run until something is true. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => { setImmediate(resolve); });
}
