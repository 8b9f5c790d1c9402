import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { at } from '../../test/support/rings.ts';
import { createSealer, decryptOrThrow, encrypt } from '../keys/seal.ts';
import { openMemoryStore } from '../store/memory.ts';
import { createTokenKeys, endedKeys, isNewKeyDue, signingKey } from './token-keys.ts';

const DAY = 86_400;
const key = (kid: string, seconds: number) => ({ kid, createdAt: at(seconds) });
/** Newest first: b follows a after 30 days. */
const TWO = [key('b', 30 * DAY), key('a', 0)];
const EXPECTED = { issuerOf: (tenantId: string) => tenantId, audience: 'here' } as const;

const SIGNS: readonly (readonly [seconds: number, kid: string])[] = [[30 * DAY, 'a'], [30 * DAY + 299, 'a'], [30 * DAY + 300, 'b'], [90 * DAY, 'b']];
for (const [seconds, kid] of SIGNS) test(`after ${seconds} s the key ${kid} signs`, () => assert.equal(signingKey(TWO, at(seconds)).kid, kid));

test('the very first key signs at once', () => assert.equal(signingKey([key('a', 0)], at(0)).kid, 'a'));

test('a new key is due when there is none, and when the newest is 30 days old', () => {
  assert.deepEqual([isNewKeyDue([], at(0)), isNewKeyDue([key('a', 0)], at(30 * DAY - 1)), isNewKeyDue([key('a', 0)], at(30 * DAY)), isNewKeyDue(TWO, at(60 * DAY - 1))], [true, false, true, false]);
});

test('a key ends an hour and ten minutes after its successor, and never without one', () => {
  const ended = (seconds: number, keys = TWO): readonly string[] => endedKeys(keys, at(seconds)).map(({ kid }) => kid);
  assert.deepEqual([ended(30 * DAY + 4199), ended(30 * DAY + 4200), ended(900 * DAY, [key('a', 0)])], [[], ['a'], []]);
});

const secretKey = randomBytes(32);
const nonce = Buffer.alloc(12);
const sealer = createSealer({ id: secretKey.subarray(0, 16), wrap: async (plain, associated) => encrypt(secretKey, nonce, plain, associated), unwrap: async (wrapped, associated) => decryptOrThrow(secretKey, nonce, wrapped, associated) });

function world(replicas: number) {
  const time = { seconds: 0 };
  const store = openMemoryStore({ clock: () => at(time.seconds) });
  return { time, store, replicas: Array.from({ length: replicas }, () => createTokenKeys(store, sealer)) };
}
type Replica = ReturnType<typeof createTokenKeys>;

const kids = async (store: ReturnType<typeof world>['store']): Promise<number> => (await store.read((tx) => tx.serverKeys('access-token'))).length;

test('over months of logins at two replicas every token is known to both until it ends, and at most two keys are kept', async () => {
  const { time, store, replicas } = world(2);
  const tokens: { readonly token: string; readonly ends: number }[] = [];
  const verifies = async (replica: Replica, token: string): Promise<void> => {
    await (await replica.verifier()).verify(token, { ...EXPECTED, now: at(time.seconds) });
  };
  const seen = new Set<string>();
  for (let turn = 0; time.seconds < 70 * DAY; turn += 1) {
    // Close together around the change, days apart otherwise.
    const sinceChange = time.seconds % (30 * DAY);
    time.seconds += sinceChange > 30 * DAY - 3600 || sinceChange < 2 * 3600 ? 47 : 3 * 3600;
    const token = await (await replicas[turn % 2]!.signer()).sign({ principalId: 'p', tenantId: 't' }, { issuer: 't', audience: 'here', jti: String(turn), now: at(time.seconds) });
    tokens.push({ token, ends: time.seconds + 3600 });
    await verifies(replicas[(turn + 1) % 2]!, token);
    const oldest = tokens.find(({ ends }) => ends > time.seconds)!;
    await verifies(replicas[turn % 2]!, oldest.token);
    assert.ok((await kids(store)) <= 2);
    for (const published of await replicas[0]!.published()) seen.add(published['kid']!);
  }
  assert.equal(seen.size, 3);
});

test('replicas that find a new key due at once make one', async () => {
  const { time, store, replicas } = world(3);
  await Promise.all(replicas.map((replica) => replica.signer()));
  time.seconds = 30 * DAY;
  await Promise.all(replicas.map((replica) => replica.signer()));
  assert.equal(await kids(store), 2);
});

test('the store is asked once a minute, not once a request, and at most once at a time', async () => {
  const { time, store, replicas: [replica] } = world(1);
  let reads = 0;
  const read = store.read;
  store.read = (work) => {
    reads += 1;
    return read(work);
  };
  for (const [seconds, expected] of [[0, 1], [59, 1], [60, 2], [119, 2]] as const) {
    time.seconds = seconds;
    await Promise.all(Array.from({ length: 5 }, () => replica!.verifier()));
    assert.equal(reads, expected);
  }
});
