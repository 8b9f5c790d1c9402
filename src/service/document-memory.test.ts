import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aRing, anIssuer, FixtureClock } from '../../test/support/document-source.ts';
import { START } from '../../test/support/rings.ts';
import { DocumentMemory } from './document-memory.ts';
import { PublishedIssuer } from './published-documents.ts';

const clock = new FixtureClock();
const published = (number: number, version = 1): PublishedIssuer => new PublishedIssuer(anIssuer(number), { ...aRing(anIssuer(number)), version, gap: { seconds: version * 100, lowered: null, floor: null } }, START);
const held = (memory: DocumentMemory, upTo: number): readonly number[] => Array.from({ length: upTo }, (_, number) => number).filter((number) => memory.has(anIssuer(number).id));

test('never holds more than its limit, and lets go first of what was not asked for since it came', () => {
  const memory = new DocumentMemory(3);
  for (let number = 0; number < 4; number += 1) memory.add(published(number));
  assert.deepEqual(held(memory, 4), [1, 2, 3]);
  memory.document(published(1).paths.jwks, clock);
  memory.add(published(4));
  assert.deepEqual(held(memory, 5), [1, 3, 4]);
  assert.deepEqual([memory.size, memory.evictions], [3, 2]);
  assert.equal(memory.document(published(2).paths.jwks, clock), undefined);
});

test('with room for one, the newest is the one', () => {
  const memory = new DocumentMemory(1);
  memory.add(published(0));
  memory.add(published(1));
  assert.deepEqual(held(memory, 2), [1]);
});

test('an older commit does not replace a newer one', () => {
  const memory = new DocumentMemory(3);
  const maxAge = () => memory.document(published(0).paths.discovery, clock)?.maxAge;
  memory.add(published(0, 2));
  memory.add(published(0, 1));
  assert.equal(maxAge(), 100);
  memory.add(published(0, 3));
  assert.equal(maxAge(), 150);
  assert.equal(memory.size, 1);
});

test('what is removed is gone under both paths', () => {
  const memory = new DocumentMemory(3);
  memory.add(published(0));
  memory.remove(anIssuer(0).id);
  memory.remove(anIssuer(1).id);
  assert.deepEqual(Object.values(published(0).paths).map((path) => memory.document(path, clock)), [undefined, undefined]);
  assert.equal(memory.size, 0);
});
