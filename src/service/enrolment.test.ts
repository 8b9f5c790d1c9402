import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ADA, AUDIENCE, joining, LEASE, machine, openSigners, signerNames } from '../../test/support/signers.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { type EnrolmentToken, enrolmentTokenText, parseEnrolmentToken } from '../domain/enrolment-token.ts';
import { close } from '../domain/rotation.ts';
import { SIGNER_PATHS } from '../http/signers/contract.ts';
import { thumbprint } from '../keys/public-jwk.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { openSqliteStore } from '../store/sqlite.ts';

const world = await openSigners();
after(() => world.close());
const refused = (why: RegExp) => ({ message: new RegExp(`^401 .*"EnrolmentRefused".*${why.source}`) });

test('a token says where the server is and how to know it, and only its hash is kept', async () => {
  const { token, credential } = await world.credentials.createToken(ADA, world.cluster, { name: 'cp-kept', expiresIn: 600 });
  const { secret, ringSigningKey, ...said } = parseEnrolmentToken(token)!;
  assert.deepEqual(said, { kind: 'once', url: AUDIENCE, ca: null, name: 'cp-kept', id: credential.id });
  assert.equal((await machine(world).enrol(token)).ringSigningKey.kty, 'EC');
  assert.deepEqual([credential.expiresAt, credential.mostUses, credential.createdBy], [new Date(world.clock.now().getTime() + 600_000), 1, 'principal:ada']);
  assert.doesNotMatch(JSON.stringify(await world.store.read((tx) => tx.enrolmentCredential(credential.id))), new RegExp(secret));
  assert.equal(thumbprint((await machine(world).enrol(await world.token('cp-pin'))).ringSigningKey), ringSigningKey);
});

test('a used token is good for the same keys again, and for no others', async () => {
  const token = await world.token('cp-once');
  const first = machine(world);
  const { signerId } = await first.enrol(token);
  assert.equal((await machine(world, first.keys).enrol(token)).signerId, signerId);
  await assert.rejects(machine(world).enrol(token), refused(/used by another machine/));
  const halfOther = machine(world);
  await assert.rejects(first.enrol(token, { encryptionKey: halfOther.keys.encryptionJwk }), { message: /AssertionRefused/ }, 'its subject is the signer by now, so this is no enrolment');
  assert.equal((await signerNames(world)).filter((name) => name === 'cp-once').length, 1);
});

test('an enrolment that is sent again as it was is refused: its assertion is used up', async () => {
  const [token, fresh] = [await world.token('cp-sent-again'), machine(world)];
  const body = fresh.bid(token);
  const authorization = await fresh.assertion('POST', SIGNER_PATHS.enroll, JSON.stringify(body));
  const codes = [await fresh.send('POST', SIGNER_PATHS.enroll, body, { authorization }), await fresh.send('POST', SIGNER_PATHS.enroll, body, { authorization })].map(({ status }) => status);
  assert.deepEqual(codes, [200, 401]);
});

test('who has only heard a token or the keys of another can not enrol under them', async () => {
  const [token, honest, thief] = [await world.token('cp-proof'), machine(world), machine(world)];
  const body = honest.bid(token);
  const { status, body: answer } = await thief.send('POST', SIGNER_PATHS.enroll, body, { authorization: await thief.assertion('POST', SIGNER_PATHS.enroll, JSON.stringify(body)) });
  assert.deepEqual([status, JSON.stringify(answer).includes('AssertionRefused')], [401, true]);
  assert.equal((await honest.enrol(token)).name, 'cp-proof');
});

const altered = async (change: Partial<EnrolmentToken>): Promise<string> => enrolmentTokenText({ ...parseEnrolmentToken(await world.token('cp-x'))!, ...change });
const REFUSED: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
  ['that is none', async () => 'mmse_x', /no enrolment token/],
  ['with another secret', () => altered({ secret: 'A'.repeat(43) }), /does not know it/],
  ['with an empty secret', () => altered({ secret: '' }), /no enrolment token/],
  ['of another id', () => altered({ id: '00000000-0000-4000-8000-000000000000' }), /does not know it/],
  ['of another kind', () => altered({ kind: 'join' }), /does not know it/],
  ['past its end', async () => {
    const token = await world.token('cp-late');
    world.pass(3600);
    return token;
  }, /its end was/],
  ['that was replaced by a repeat of its request', async () => {
    const ask = () => world.credentials.createToken({ ...ADA, clientRequestId: 'r1' }, world.cluster, { name: 'cp-rep', expiresIn: null });
    const { token } = await ask();
    await ask();
    return token;
  }, /does not know it/],
  ['that was revoked', async () => {
    const { token, credential } = await world.credentials.createJoinCredential(ADA, world.cluster, { expiresIn: null, mostUses: null, cidrs: [], replacesByName: false });
    await world.credentials.revokeJoinCredential(world.cluster, credential.id);
    return token;
  }, /was revoked/],
  ['from another network', () => joining(world, { cidrs: ['10.0.0.0/8'] }), /not be used from 127\.0\.0\.1/],
];
for (const [what, token, why] of REFUSED) {
  test(`a token ${what} is refused, as what it is`, async () => {
    const text = await token();
    const [called, command] = text.startsWith('mmsj_') ? ['join credential', 'create-join-credential'] : ['enrolment token', 'create'];
    await assert.rejects(machine(world).enrol(text, { name: 'cp-x' }), refused(new RegExp(`The ${called} was refused: .*${why.source}.*\\. 'mintmark signer ${command}' makes another\\.`)));
  });
}

test('a repeat of a request leaves one token, but not where the first was used', async () => {
  const ask = () => world.credentials.createToken({ ...ADA, clientRequestId: 'r2' }, world.cluster, { name: 'cp-r2', expiresIn: null });
  const first = machine(world);
  const { token } = await ask();
  const { signerId } = await first.enrol(token);
  const second = await ask();
  assert.equal((await machine(world, first.keys).enrol(token)).signerId, signerId);
  assert.equal((await machine(world).enrol(second.token)).name, 'cp-r2');
});

test('keys that are none, or one for both, are refused', async () => {
  const token = await world.token('cp-keys');
  const { keys } = machine(world);
  for (const [more, why] of [
    [{ encryptionKey: keys.assertionJwk }, /have to be two/], [{ encryptionKey: { ...keys.encryptionJwk, y: keys.encryptionJwk.x } }, /no point of P-256/], [{ encryptionKey: { ...keys.encryptionJwk, d: 'secret' } }, /encryptionKey is wrong/],
    [{ name: 'Not A Name' }, /name is wrong/], [{ more: 1 }, /not understood/],
  ] as const) await assert.rejects(machine(world, keys).enrol(token, more), { message: new RegExp(`^400 .*InvalidRequestContent.*${why.source}`) });
});

test('a machine that is known uses up a one-time token like any other', async () => {
  const known = await world.signer('cp-known');
  for (const token of [await world.token('cp-known'), await world.token(null)]) {
    for (let time = 0; time < 2; time += 1) assert.equal((await machine(world, known.keys).enrol(token, { name: 'cp-known' })).signerId, known.enrolled!.signerId);
    await assert.rejects(machine(world).enrol(token, { name: 'cp-stranger' }), refused(/used by another machine/));
    const { uses, usedBy } = (await world.store.read((tx) => tx.enrolmentCredential(parseEnrolmentToken(token)!.id)))!;
    assert.deepEqual([uses, usedBy], [1, `${thumbprint(known.keys.assertionJwk)}.${thumbprint(known.keys.encryptionJwk)}`]);
  }
});

test('a token for another name is not for a machine that is known, and stays good', async () => {
  const [known, token] = [await world.signer('cp-known-2'), await world.token('cp-another')];
  await assert.rejects(machine(world, known.keys).enrol(token), refused(/made for 'cp-another'.*enrolled as 'cp-known-2'/));
  assert.equal((await machine(world).enrol(token)).name, 'cp-another');
});

test('a join credential is for many, each counted once, up to its most', async () => {
  const { token, credential } = await world.credentials.createJoinCredential(ADA, world.cluster, { expiresIn: 86_400, mostUses: 2, cidrs: ['127.0.0.0/8', '::1'], replacesByName: false });
  const first = machine(world);
  for (const one of [first, first, machine(world)]) await machine(world, one.keys).enrol(token, { name: `join-${thumbprint(one.keys.assertionJwk).slice(0, 4).toLowerCase().replaceAll(/[^a-z\d]/g, 'x')}` });
  await assert.rejects(machine(world).enrol(token, { name: 'join-too-many' }), refused(/The join credential was refused: it is used up\. 'mintmark signer create-join-credential' makes another\./));
  assert.equal((await world.credentials.joinCredential(world.cluster, credential.id)).uses, 2);
});

test('what is listed are join credentials, of this cluster only', async () => {
  const other = await world.bearCluster('other');
  const { credential } = await world.credentials.createJoinCredential(ADA, other, { expiresIn: null, mostUses: null, cidrs: [], replacesByName: false });
  await world.credentials.createToken(ADA, other, { name: null, expiresIn: null });
  assert.deepEqual((await world.credentials.joinCredentials(other)).map(({ id }) => id), [credential.id]);
  for (const work of [world.credentials.joinCredential(world.cluster, credential.id), world.credentials.revokeJoinCredential(world.cluster, credential.id)]) await assert.rejects(work, { code: 'ResourceNotFound' });
});

test('a deleted signer can not come back with its keys', async () => {
  const token = await joining(world);
  const gone = machine(world);
  await gone.enrol(token, { name: 'cp-gone' });
  await world.signers.remove(world.cluster, 'cp-gone');
  await assert.rejects(machine(world, gone.keys).enrol(token, { name: 'cp-gone' }), refused(/was deleted/));
  assert.equal((await machine(world).enrol(token, { name: 'cp-gone' })).name, 'cp-gone');
});

test('a ring that closed takes no signer', async () => {
  const closing = await world.bearCluster('closing');
  const { token } = await world.credentials.createToken(ADA, closing, { name: 'late', expiresIn: null });
  await world.store.write((tx) => world.rings.commit(tx, closing.issuerId!, (ring, now) => close(ring, now, { cause: 'deletion', actor: 'principal:ada', reason: 'test' })));
  await assert.rejects(machine(world).enrol(token), { message: /^409 .*KeyRingClosed/ });
  await assert.rejects(world.credentials.createToken(ADA, closing, { name: 'later', expiresIn: null }), { code: 'KeyRingClosed' });
});

test('a hundred signers are enough for one cluster', async () => {
  const crowded = await openSigners();
  const token = await joining(crowded);
  const first = machine(crowded);
  await first.enrol(token, { name: 'n-0' });
  await crowded.store.write(async (tx) => {
    const one = (await tx.signer(first.enrolled!.signerId))!;
    for (let number = 1; number < 100; number += 1) await tx.putSigner({ ...one, id: `copy-${number}`, name: `n-${number}`, assertionJwk: { ...one.assertionJwk, x: `x${number}` } });
  });
  await assert.rejects(machine(crowded).enrol(token, { name: 'n-100' }), { message: /^409 .*100 signers already/ });
  assert.equal((await machine(crowded).enrol(token, { name: 'n-7' })).name, 'n-7');
  await crowded.close();
});

test('two machines with one token at once: exactly one is enrolled; the same machine twice at once: one signer', async (t) => {
  const place = await sqliteFile(t);
  const racing = await openSigners({ store: (clock) => openSqliteStore({ file: place.file, clock }) });
  for (let round = 0; round < 10; round += 1) {
    const token = await racing.token(`race-${round}`);
    const outcomes = await Promise.allSettled([machine(racing), machine(racing), machine(racing)].map((one) => one.enrol(token)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const [same, again] = [await racing.token(`same-${round}`), SignerKeys.generate()];
    const ids = await Promise.all([1, 2, 3].map(async () => (await machine(racing, again).enrol(same)).signerId));
    assert.equal(new Set(ids).size, 1);
  }
  assert.equal((await racing.signers.list(racing.cluster)).length, 20);
  await racing.close();
});

test('an enrolment makes the rotator look again: a lease has begun', async () => {
  const { cluster, store } = world;
  await world.signer('cp-wake');
  const wake = await store.read((tx) => tx.nextWake());
  assert.ok(wake !== null && wake.getTime() <= world.clock.now().getTime() + (LEASE + 300) * 1000, String(wake));
  assert.ok((await store.read((tx) => tx.keyRing(cluster.issuerId!)))!.signers.some(({ name }) => name === 'cp-wake'));
});
