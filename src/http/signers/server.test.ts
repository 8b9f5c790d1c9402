import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { pino } from 'pino';
import { ADA, AUDIENCE, LEASE, openSigners, TestSigner } from '../../../test/support/signers.ts';
import { sqliteFile } from '../../../test/support/sqlite-file.ts';
import { isDeletedSigner, type SignerRing } from '../../domain/ring-for-signer.ts';
import { makeAssertion } from '../../keys/assertion.ts';
import type { OpenedRing } from '../../keys/ring-envelope.ts';
import { openSqliteStore } from '../../store/sqlite.ts';
import { SIGNER_PATHS } from './contract.ts';

const lines: string[] = [];
const world = await openSigners({ logger: pino({ level: 'debug' }, { write: (line) => void lines.push(line) }) });
after(() => world.close());
const ringOf = (opened: OpenedRing | null): SignerRing => {
  assert.ok(opened !== null && !isDeletedSigner(opened.ring));
  return opened.ring;
};
const recordOf = async ({ enrolled }: TestSigner) => (await world.store.read((tx) => tx.signer(enrolled!.signerId)))!;

test('from a token to a ring that signs, and the acknowledgement', async () => {
  const signer = new TestSigner(world.base, world.clock.now);
  const { signerId, ...enrolled } = await signer.enrol(await world.token('cp-first'));
  const issuer = await world.store.read((tx) => tx.issuer(world.cluster.issuerId!));
  assert.match(signerId, /^[\da-f-]{36}$/);
  assert.deepEqual(enrolled, { name: 'cp-first', issuerId: issuer!.id, issuerURL: issuer!.url, ringSigningKey: enrolled.ringSigningKey, pollSeconds: 50 });
  const opened = await signer.ring();
  const stored = (await world.store.read((tx) => tx.keyRing(issuer!.id)))!;
  const ring = ringOf(opened);
  assert.deepEqual([ring.issuer, ring.version, ring.open, ring.leaseSeconds, ring.keys.map(({ kid, state }) => [kid, state])], [issuer!.url, stored.version, true, LEASE, stored.keys.map(({ kid, state }) => [kid, state])]);
  assert.equal(opened!.signer!.kid, stored.keys[0]!.kid);
  assert.ok((await opened!.signer!.sign(Buffer.from('x'))).length === 256);
  assert.deepEqual(await signer.acknowledge({ keyInUse: opened!.signer!.kid }), { status: 204, body: null });
  const { acked, keyInUse, kids, clockOffsetMs, lastContactAt } = await recordOf(signer);
  assert.deepEqual({ acked, keyInUse, kids, clockOffsetMs, lastContactAt }, { acked: { epoch: ring.epoch, version: ring.version, at: world.clock.now() }, keyInUse: opened!.signer!.kid, kids: [opened!.signer!.kid], clockOffsetMs: 0, lastContactAt: world.clock.now() });
});

test('the version of Mintmark that a signer says it runs is kept, and nothing else that is in its place', async () => {
  const signer = await world.signer('cp-version');
  const says = async (agent: string, more: Readonly<Record<string, string>> = {}): Promise<string | null> => {
    assert.ok((await signer.send('GET', signer.target(0, more), undefined, { headers: { 'user-agent': agent } })).status < 300, agent);
    return (await recordOf(signer)).program;
  };
  assert.equal((await recordOf(signer)).program, null);
  assert.equal(await says('mintmark/0.1.0'), '0.1.0');
  for (const agent of ['', 'curl/8.0', 'mintmark/', 'mintmark/x', 'mintmark/1 (x)', `mintmark/${'1'.repeat(60)}`]) assert.equal(await says(agent), '0.1.0', agent);
  assert.equal(await says('mintmark/0.2.0-rc.1+a', { refused: '1' }), '0.1.0', 'nothing is made of what one says that refuses its ring');
  assert.equal(await says('mintmark/0.2.0-rc.1+a'), '0.2.0-rc.1+a');
});

test('a wait ends with the ring as soon as it is rotated', async () => {
  const signer = await world.signer('cp-waits');
  await signer.ring();
  const poll = signer.ring(50);
  await until(() => world.notices.waiting() === 1);
  const before = signer.has.version;
  await world.keyRings.rotate({ principalId: 'ada', tenantId: 'tenant', clientRequestId: null }, world.cluster, { force: true, emergency: false });
  const ring = ringOf(await poll);
  assert.ok(ring.version > before);
  assert.equal(ring.keys.find(({ kid }) => kid === ring.active!.kid)!.state, 'active');
});

test('a wait that brings nothing ends when it was asked to, with 204', async () => {
  const signer = await world.signer('cp-quiet');
  await signer.ring();
  const poll = signer.send('GET', signer.target(50));
  await until(() => world.notices.waiting() === 1);
  world.pass(49);
  assert.equal(world.notices.waiting(), 1);
  world.pass(1);
  assert.deepEqual(await poll, { status: 204, body: null });
  assert.equal(world.notices.waiting(), 0);
});

test('one that says that it refused its ring is written down, by its id and the ring that it has', async () => {
  const signer = await world.signer('cp-refuses');
  await signer.ring();
  const has = signer.has.version;
  const [well, refusing] = [signer.target(0), `${signer.target(0)}&refused=1`];
  for (const target of [well, refusing]) assert.equal((await signer.send('GET', target)).status, 204);
  const told = lines.map((line) => JSON.parse(line) as { level: number; signer?: string; code?: string | null; has?: string; msg: string }).filter((line) => line.signer === signer.enrolled!.signerId && /^request$|refuses the ring/.test(line.msg));
  assert.deepEqual(told.slice(-3).map(({ level, code, has: point }) => [level, code, point]), [[20, null, undefined], [40, undefined, `1-${has}`], [30, 'RingRefused', undefined]]);
  const warnings = (): number => lines.filter((line) => line.includes('refuses the ring') && line.includes(signer.enrolled!.signerId)).length;
  await signer.send('GET', `${signer.target(0)}&refused=1`);
  assert.equal(warnings(), 1, 'not each time that it says so');
  for (const more of ['', '&refused=1']) await signer.send('GET', `${signer.target(0)}${more}`);
  assert.equal(warnings(), 2);
});

test('a signer waits once at a time: its next request ends the one before', async () => {
  const signer = await world.signer('cp-twice');
  await signer.ring();
  const first = signer.send('GET', signer.target(50));
  await until(() => world.notices.waiting() === 1);
  const second = signer.send('GET', signer.target(50));
  assert.equal((await first).status, 204);
  assert.equal(world.notices.waiting(), 1);
  world.pass(50);
  assert.equal((await second).status, 204);
});

test('one that goes away while it waits costs nothing more', async () => {
  const signer = await world.signer('cp-gone');
  await signer.ring();
  const gone = new AbortController();
  const poll = signer.send('GET', signer.target(50), undefined, { signal: gone.signal });
  await until(() => world.notices.waiting() === 1);
  gone.abort();
  await assert.rejects(poll);
  await until(() => world.notices.waiting() === 0);
});

test('another lease is sent with the same ring, and the longer one counts until the signer says that it has the other', async () => {
  const signer = await world.signer('cp-lease');
  await signer.ring();
  await world.store.write(async (tx) => tx.putSigner({ ...(await tx.signer(signer.enrolled!.signerId))!, leaseSeconds: null }));
  assert.equal(await signer.ring(0, { lease: String(LEASE) }), null);
  assert.equal(ringOf(await signer.ring(0, { lease: 'off' })).leaseSeconds, LEASE);
  assert.equal((await recordOf(signer)).leaseSeconds, null);
  await signer.acknowledge({ leaseSeconds: null });
  assert.equal((await recordOf(signer)).leaseSeconds, null);
  await signer.acknowledge({ leaseSeconds: LEASE });
  assert.equal((await recordOf(signer)).leaseSeconds, LEASE);
});

test('with key files there is no lease, from before the first ring on, and after a change before the next', async () => {
  const files = new TestSigner(world.base, world.clock.now);
  await files.enrol(await world.token('cp-files'), { mode: 'keyFiles' });
  assert.deepEqual([(await recordOf(files)).leaseSeconds, ringOf(await files.ring(0, { lease: 'off' })).leaseSeconds, (await recordOf(files)).leaseSeconds], [null, null, null]);
  const changed = await world.signer('cp-changed');
  await changed.ring();
  assert.equal((await recordOf(changed)).leaseSeconds, LEASE);
  assert.equal(ringOf(await changed.ring(0, { lease: String(LEASE), mode: 'keyFiles' })).leaseSeconds, null);
  assert.deepEqual([(await recordOf(changed)).mode, (await recordOf(changed)).leaseSeconds], ['keyFiles', null]);
  assert.equal(ringOf(await changed.ring(0, { lease: 'off', mode: 'external' })).leaseSeconds, LEASE);
  assert.equal((await recordOf(changed)).leaseSeconds, null);
  await changed.acknowledge();
  assert.equal((await recordOf(changed)).leaseSeconds, LEASE);
});

test('a signer that was written off is enrolled anew before it is given anything', async () => {
  const signer = await world.signer('cp-back');
  await signer.ring();
  await world.signers.writeOff(world.cluster, 'cp-back');
  world.pass(1);
  assert.equal(await signer.ring(), null);
  const ring = (await world.store.read((tx) => tx.keyRing(world.cluster.issuerId!)))!;
  const { writtenOffAt, enrolledIn, enrolledAt } = await recordOf(signer);
  assert.deepEqual({ writtenOffAt, enrolledIn, enrolledAt }, { writtenOffAt: null, enrolledIn: ring.version, enrolledAt: world.clock.now() });
});

test('a deleted signer is told so while it waits, signed, and again whenever it asks; it gets no key', async () => {
  const signer = await world.signer('cp-deleted');
  await signer.ring();
  const poll = signer.ring(50);
  await until(() => world.notices.waiting() === 1);
  await world.signers.remove(world.cluster, 'cp-deleted');
  for (const told of [await poll, await signer.ring()]) assert.deepEqual([isDeletedSigner(told!.ring), told!.signer], [true, null]);
  assert.deepEqual(await signer.acknowledge(), { status: 204, body: null });
});

test('an assertion is good once', async () => {
  const signer = await world.signer('cp-replay');
  for (const [method, target, body] of [['GET', signer.target(), undefined], ['POST', SIGNER_PATHS.acknowledge, { epoch: 0, version: 0, keyInUse: null, mode: 'external', leaseSeconds: LEASE }]] as const) {
    const authorization = await signer.assertion(method, target, body === undefined ? '' : JSON.stringify(body));
    assert.ok((await signer.send(method, target, body, { authorization })).status < 300);
    const again = await signer.send(method, target, body, { authorization });
    assert.deepEqual([again.status, JSON.stringify(again.body).includes('it was used before')], [401, true]);
  }
});

test('requests that are not by the signer are refused, and are no contact', async () => {
  const [signer, other] = [await world.signer('cp-mine'), await world.signer('cp-other')];
  world.pass(10);
  const { enrolledAt } = await recordOf(signer);
  const target = signer.target();
  const parties = { subject: signer.enrolled!.signerId, audience: AUDIENCE };
  const request = { method: 'GET', target, body: Buffer.alloc(0) };
  const attempts = {
    'without an assertion': '', 'of another signer, under its own name': await makeAssertion(other.keys, parties, request, world.clock.now()), 'for another target': await signer.assertion('GET', `${target}0`),
    'for another server': await makeAssertion(signer.keys, { ...parties, audience: 'https://other' }, request, world.clock.now()),
    'of yesterday': await makeAssertion(signer.keys, parties, request, new Date(world.clock.now().getTime() - 86_400_000)),
    'of nobody': await makeAssertion(signer.keys, { ...parties, subject: '00000000-0000-4000-8000-000000000000' }, request, world.clock.now()),
    'of a name that is none': await makeAssertion(signer.keys, { ...parties, subject: "' or 1=1" }, request, world.clock.now()),
  };
  for (const [what, authorization] of Object.entries(attempts)) {
    const { status, body } = await signer.send('GET', target, undefined, { authorization });
    assert.deepEqual([what, status, (body as { error: { code: string } }).error.code], [what, 401, 'AssertionRefused']);
  }
  assert.deepEqual((await recordOf(signer)).lastContactAt, enrolledAt);
});

test('what a signer says is looked at: versions that the ring never had, members that are none', async () => {
  const signer = await world.signer('cp-says');
  await signer.ring();
  const rejected: readonly (readonly [object, RegExp])[] = [
    [{ version: signer.has.version + 1 }, /has not reached/], [{ epoch: signer.has.epoch + 1 }, /has not reached/], [{ mode: 'other' }, /mode is wrong/], [{ version: -1 }, /version is wrong/],
    [{ extra: 1 }, /not understood/], [{ keyInUse: 'x'.repeat(101) }, /keyInUse is wrong/], [{ leaseSeconds: 0 }, /leaseSeconds is wrong/],
  ];
  for (const [more, why] of rejected) {
    const { status, body } = await signer.acknowledge(more);
    assert.deepEqual([status, (body as { error: { code: string } }).error.code], [400, 'InvalidRequestContent']);
    assert.match(JSON.stringify(body), why);
  }
  for (const query of ['epoch=1', 'epoch=1&version=x', 'epoch=1&version=1&wait=51', 'epoch=1&version=1&clock=now', 'epoch=1&version=1&lease=x', 'epoch=1&version=1&more=1', 'epoch=1&epoch=2&version=1']) {
    const { status, body } = await signer.send('GET', `${SIGNER_PATHS.ring}?${query}`);
    assert.deepEqual([query, status, (body as { error: { code: string } }).error.code], [query, 400, 'InvalidQueryParameter']);
  }
  assert.equal((await recordOf(signer)).acked, null);
});

test('there is nothing else here, and bodies are small', async () => {
  const signer = await world.signer('cp-else');
  for (const [method, target, status] of [['GET', '/', 404], ['GET', '/subscriptions', 404], ['GET', '/healthz', 404], ['POST', SIGNER_PATHS.ring, 404], ['GET', SIGNER_PATHS.enroll, 404]] as const) {
    assert.equal((await signer.send(method, target, method === 'POST' ? {} : undefined)).status, status, `${method} ${target}`);
  }
  assert.equal((await signer.send('POST', SIGNER_PATHS.enroll, { token: 'x'.repeat(17_000) })).status, 413);
  assert.equal((await signer.send('POST', SIGNER_PATHS.enroll, {}, { headers: { 'content-type': 'text/plain' } })).status, 415);
});

test('what is no HTTP is told so', async () => {
  const socket = connect(Number(new URL(world.base).port), '127.0.0.1');
  socket.end('nonsense\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 400 Bad Request/);
});

test('no log line has a key, a token or a secret in it', async () => {
  assert.ok(lines.length > 20);
  assert.doesNotMatch(lines.join('\n'), /PRIVATE|privateKey|mmse_|mmsj_|eyJ|"d":/);
});

test('a stop ends what waits at once, with 204', async () => {
  const stopping = await openSigners();
  const signer = await stopping.signer();
  await signer.ring();
  const poll = signer.send('GET', signer.target(50));
  await until(() => stopping.notices.waiting() === 1);
  const closed = stopping.close();
  assert.equal((await poll).status, 204);
  await closed;
  await assert.rejects(signer.send('GET', signer.target(50)));
});

test('who asks too often is told to wait: to enrol sooner than otherwise', async () => {
  const strict = await openSigners({ limits: { loginsPerAddress: 1, requestsPerAddress: 3 } });
  const signer = new TestSigner(strict.base, strict.clock.now);
  const codes: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) codes.push((await signer.send('POST', SIGNER_PATHS.enroll, signer.bid('mmse_x'))).status);
  assert.deepEqual(codes, [401, 401, 401, 401, 429]);
  for (let attempt = 0; attempt < 7; attempt += 1) codes.push((await signer.send('GET', signer.target())).status);
  assert.deepEqual(codes.slice(5), [401, 401, 401, 401, 401, 401, 401]);
  assert.equal((await signer.send('GET', signer.target())).status, 429);
  await strict.close();
});


/** Resolves when the condition holds; the runner's limit ends what never comes. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => { setImmediate(resolve); });
}

test('a ring that can not be read fails for its own signers, not for those of others that ask at the same time', async (t) => {
  const place = await sqliteFile(t);
  const several = await openSigners({ store: (clock) => openSqliteStore({ file: place.file, clock }) });
  t.after(() => several.close());
  const good = [await several.signer('a'), await several.signer('b'), await several.signer('c'), await several.signer('d')];
  const cluster = await several.bearCluster('unreadable');
  const broken = new TestSigner(several.base, several.clock.now);
  await broken.enrol((await several.credentials.createToken(ADA, cluster, { name: 'x', expiresIn: null })).token);
  place.other().prepare(`update signing_keys set public_members = '{"n":"a","e":""}' where issuer_id = ?`).run(cluster.issuerId!);
  for (let round = 0; round < 5; round += 1) {
    const replies = await Promise.all([...good.slice(0, 2), broken, ...good.slice(2)].map((signer) => signer.send('GET', signer.target())));
    assert.deepEqual(replies.map(({ status }) => status), [200, 200, 500, 200, 200]);
  }
});
