import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signer } from '../../test/conformance/fixtures.ts';
import { at } from '../../test/support/rings.ts';
import type { SignerRecord } from './signer.ts';
import { type SignerState, signerState, silentSince } from './signer-state.ts';

const RING = { epoch: 7, version: 12 };
const acked = (epoch: number, version: number) => ({ acked: { epoch, version, at: at(0) } });
const SAYS: readonly (readonly [string, Partial<SignerRecord>, SignerState])[] = [
  ['has acknowledged the ring', acked(7, 12), 'current'], ['has acknowledged a later one, which can not be', acked(7, 13), 'current'], ['has an earlier version', acked(7, 11), 'behind'],
  ['has another epoch', acked(6, 99), 'behind'], ['has acknowledged nothing', {}, 'behind'],
  ['asked two minutes ago', { ...acked(7, 12), lastContactAt: at(880) }, 'silent'], ['asked just before that', { ...acked(7, 12), lastContactAt: at(880.001) }, 'current'],
  ['refuses its ring', { ...acked(7, 12), lastContactAt: at(10), refusal: { since: at(20), lastAt: at(990) } }, 'refusing'], ['refused its ring two minutes ago', { lastContactAt: at(10), refusal: { since: at(20), lastAt: at(880) } }, 'silent'],
  ['refused its ring and has the ring now', { ...acked(7, 12), refusal: { since: at(20), lastAt: at(880) } }, 'current'],
  ['was written off', { ...acked(7, 12), writtenOffAt: at(1) }, 'writtenOff'], ['was deleted', { writtenOffAt: at(1), deletedAt: at(2) }, 'deleted'],
];
for (const [what, change, state] of SAYS) {
  test(`a signer that ${what} is ${state}`, () => assert.equal(signerState(signer('s', { lastContactAt: at(990), ...change }), RING, silentSince(at(1000))), state));
}
