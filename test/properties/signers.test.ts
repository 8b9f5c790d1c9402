/**
 * The rules that speak of signers as properties: partitions, crashes and restarts from disk, clocks that are two minutes
 * off, enrolment, leases, write-offs, deletions, imports. Each signer's API server has to verify what all of them signed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { assertDeletion, CALM, changesOfGap, GAPS, histories, live, type NamedDeed, RUNS, WILD } from './deeds.ts';
import { ABANDONED, FLEET, IMPORTS, enrolled } from './signer-deeds.ts';
import type { OpenStore } from './world.ts';

const property = (deeds: fc.Arbitrary<NamedDeed[]>, circumstances: Parameters<typeof live>[2] = {}) =>
  fc.asyncProperty(fc.constantFrom(...GAPS), enrolled, deeds, (gap, first, rest) => live(gap, [...first, ...rest], circumstances));

const calm = histories(...CALM, ...FLEET);
const wild = histories(...CALM, ...FLEET, ...ABANDONED, ...WILD, ...IMPORTS, changesOfGap);

test('no token fails before its end, whatever becomes of the network, the machines and their clocks', { timeout: 600_000 }, () => fc.assert(property(calm), RUNS));

test('what breaks tokens on purpose breaks those that it names', { timeout: 600_000 }, () => fc.assert(property(wild), RUNS));

test('a deleted cluster: refused while signers are enrolled; afterwards its tokens verify to their end', { timeout: 600_000 }, () =>
  fc.assert(property(wild, { end: assertDeletion }), { numRuns: Math.ceil(RUNS.numRuns / 3) }));

test('all of it on SQLite', { timeout: 600_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'mintmark-signer-properties-'));
  t.after(() => rm(dir, { recursive: true }));
  let count = 0;
  const openStore: OpenStore = ({ clock }) => openSqliteStore({ file: join(dir, `${(count += 1)}.db`), clock });
  await fc.assert(property(wild, { openStore }), { numRuns: Math.ceil(RUNS.numRuns / 50) });
});
