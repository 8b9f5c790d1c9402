import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newborn, rotated, signer, token } from '../../test/conformance/fixtures.ts';
import { at, newKey, START } from '../../test/support/rings.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import { activate, prune } from '../domain/rotation.ts';
import type { RequestEnd, RequestFacts } from '../http/management/observer.ts';
import { createAuditTrail } from './audit-trail.ts';
import type { SignerChange } from './observed-store.ts';

const REQUEST: RequestFacts = {
  id: 'request', clientRequestId: 'mine', address: '192.0.2.1', principalId: 'ada', signerId: null, provenBy: null, method: 'POST', route: '/clusters/:cluster/rotate', path: '/clusters/c/rotate', action: 'issuer/rotate',
};
const PROVEN_BY = { issuer: 'https://issuer.example/', subject: 'system:serviceaccount:default:app', audience: 'api://AzureADTokenExchange' };
const DONE: RequestEnd = { status: 202, code: null, seconds: 0.1 };
const IDS = { resource: '/clusters/c/rotate', requestId: 'request', clientRequestId: 'mine', address: '192.0.2.1' };
const NO_IDS = { resource: null, requestId: null, clientRequestId: null, address: null };
const CALL = { time: START.toISOString(), kind: 'call', actor: 'principal:ada', action: 'issuer/rotate', ...IDS, issuer: null, why: null, result: 'done', method: 'POST', status: 202 };

/** A trail, its lines as objects, and a request that runs `work`. */
function trail(sink: (line: string) => void = () => undefined) {
  const lines: unknown[] = [];
  const failures: unknown[] = [];
  const { requests, committed } = createAuditTrail({ write: (line) => (sink(line), lines.push(JSON.parse(line))) }, () => START, (error) => void failures.push(error));
  const request = (work: () => void, facts: Partial<RequestFacts> = {}, how: Partial<RequestEnd> = {}): void => {
    const trace = requests.begin({ ...REQUEST, ...facts });
    trace.run(work);
    trace.end({ ...REQUEST, ...facts }, { ...DONE, ...how });
  };
  return { lines, failures, committed, request };
}

const birth = newborn('issuer', START).change;

test('a call is one line', () => {
  const { lines, request } = trail();
  request(() => undefined);
  assert.deepEqual(lines, [CALL]);
});

const CALLS: readonly (readonly [string, Partial<RequestFacts>, Partial<RequestEnd>, object | null])[] = [
  ['that is refused has the reason', {}, { status: 403, code: 'AuthorizationFailed' }, { status: 403, result: 'refused', why: 'AuthorizationFailed' }],
  ['that fails has the reason', {}, { status: 503, code: 'StoreBusy' }, { status: 503, result: 'failed', why: 'StoreBusy' }],
  ['of nobody has an anonymous actor', { principalId: null }, { status: 401, code: 'AuthenticationFailed' }, { actor: 'anonymous', status: 401, result: 'refused', why: 'AuthenticationFailed' }],
  ['without an action of its own is named by its route', { action: null }, {}, { action: '/clusters/:cluster/rotate' }],
  ['that logs in with the token of another issuer names what it was proven by', { provenBy: PROVEN_BY }, {}, { provenBy: PROVEN_BY }],
  ['that deletes', { method: 'DELETE' }, { status: 204 }, { method: 'DELETE', status: 204 }],
  ['that replaces', { method: 'PUT' }, { status: 201 }, { method: 'PUT', status: 201 }],
  ['that patches', { method: 'PATCH' }, { status: 200 }, { method: 'PATCH', status: 200 }],
  ['that reads is no line', { method: 'GET' }, {}, null],
  ['that is throttled is no line', {}, { status: 429, code: 'TooManyRequests' }, null],
  ['to a path that is none is no line', { route: null, path: '' }, { status: 404, code: 'InvalidPath' }, null],
  ['with a method that the path has not is no line', {}, { status: 405, code: 'MethodNotAllowed' }, null],
];
for (const [what, facts, how, expected] of CALLS) {
  test(`a call ${what}`, () => {
    const { lines, request } = trail();
    request(() => undefined, facts, how);
    assert.deepEqual(lines, expected === null ? [] : [{ ...CALL, ...expected }]);
  });
}

test('each event of a commit is a line, with the ids of the request that did it, whose own line names the issuer', () => {
  const { lines, request, committed } = trail();
  const change = rotated(3)(birth.ring, at(5)).change;
  request(() => committed({ changes: [change], tokens: [], signers: [] }));
  const event = { time: at(5).toISOString(), kind: 'key', actor: 'principal:ada', ...IDS, issuer: 'issuer', why: 'a rotation was asked for', result: 'done', cause: 'manual', ringVersion: 2 };
  assert.deepEqual(lines, [
    { ...event, action: 'key/rotationRequested', kid: null, from: null, to: null },
    { ...event, action: 'key/retired', kid: 'key1', from: 'active', to: 'retired' },
    { ...event, action: 'key/activated', kid: 'key2', from: 'prepared', to: 'active' },
    { ...event, action: 'key/prepared', kid: 'key3', from: null, to: 'prepared' },
    { ...CALL, issuer: 'issuer' },
  ]);
});

const byRotator = { cause: 'automatic', actor: 'rotator', reason: 'the rotation period has passed' } as const;
const automatic = (ring: KeyRing) => activate(ring, newKey(3), at(5), byRotator);

test('what the rotator does bears no request, also while one runs', () => {
  for (const within of [false, true]) {
    const { lines, request, committed } = trail();
    const commit = (): void => committed({ changes: [automatic(birth.ring)], tokens: [], signers: [] });
    if (within) request(commit);
    else commit();
    const event = { time: at(5).toISOString(), kind: 'key', actor: 'rotator', ...NO_IDS, issuer: 'issuer', why: 'the rotation period has passed', result: 'done', cause: 'automatic', ringVersion: 2 };
    assert.deepEqual(lines, [
      { ...event, action: 'key/retired', kid: 'key1', from: 'active', to: 'retired' },
      { ...event, action: 'key/activated', kid: 'key2', from: 'prepared', to: 'active' },
      { ...event, action: 'key/prepared', kid: 'key3', from: null, to: 'prepared' },
      ...(within ? [CALL] : []),
    ]);
  }
});

test('a pruned key has the time at which it left the JWKS', () => {
  const { lines, committed } = trail();
  const retired = automatic(birth.ring).ring;
  committed({ changes: [prune(retired, at(200_000), { cause: 'expiry', actor: 'rotator', reason: 'the last token of the key has ended' })!], tokens: [], signers: [] });
  assert.deepEqual(lines.map((line) => (line as { time: string }).time), [at(5 + 86_400 + 300).toISOString()]);
});

test('a token is a line without the token', () => {
  const { lines, request, committed } = trail();
  request(() => committed({ changes: [], tokens: [token('jti')], signers: [] }), { action: 'issuer/issueToken' });
  assert.deepEqual(lines, [
    {
      time: START.toISOString(), kind: 'token', actor: 'principal:ada', action: 'token/issued', ...IDS, issuer: 'issuer', why: null, result: 'done',
      kid: 'key1', jti: 'jti', subject: 'system:serviceaccount:a:b', audiences: ['x', 'y'], expiresAt: token('jti').expiresAt.toISOString(),
    },
    { ...CALL, action: 'issuer/issueToken', issuer: 'issuer' },
  ]);
});

const MACHINE = { principalId: null, action: null, route: '/signer/v1/enroll' } as const;
const SIGNERS: readonly (readonly [string, SignerChange['what'], Partial<RequestFacts> | null, object])[] = [
  ['that enrols', 'enrolled', MACHINE, { actor: 'signer:s', why: 'with a credential of principal:ada', ...IDS }],
  ['that comes back', 'enrolledAnew', { ...MACHINE, signerId: 's' }, { actor: 'signer:s', why: 'it asks again after it was written off', ...IDS }],
  ['that comes back in the transaction of another', 'enrolledAnew', { ...MACHINE, signerId: 'other' }, { actor: 'signer:s', why: 'it asks again after it was written off', ...NO_IDS }],
  ['that a person writes off', 'writtenOff', {}, { actor: 'principal:ada', why: null, ...IDS }],
  ['whose name another takes', 'writtenOff', MACHINE, { actor: 'signer:s', why: 'another machine has enrolled under its name', ...IDS }],
  ['whose lease has ended', 'writtenOff', null, { actor: 'rotator', why: 'its lease has ended', ...NO_IDS }],
  ['that a person deletes', 'deleted', {}, { actor: 'principal:ada', why: null, ...IDS }],
];
for (const [which, what, facts, expected] of SIGNERS) {
  test(`a signer ${which} is a line`, () => {
    const { lines, request, committed } = trail();
    const commit = (): void => committed({ changes: [], tokens: [], signers: [{ what, signer: signer('s', { kids: ['key1'] }) }] });
    if (facts === null) commit();
    else request(commit, facts);
    assert.deepEqual(lines[0], { time: START.toISOString(), kind: 'signer', action: `signer/${what}`, issuer: 'issuer', result: 'done', signer: 's', name: 's', mode: 'external', keys: ['key1'], ...expected });
  });
}

test('a call of a signer is its own', () => {
  const { lines, request } = trail();
  request(() => undefined, { ...MACHINE, signerId: 's' });
  assert.deepEqual(lines, [{ ...CALL, actor: 'signer:s', action: '/signer/v1/enroll' }]);
});

test('a call that changed several issuers names none: each has lines of its own', () => {
  const { lines, request, committed } = trail();
  const changes = ['a', 'b'].map((id) => rotated(3)(newborn(id, START).change.ring, at(5)).change);
  request(() => committed({ changes, tokens: [], signers: [] }));
  assert.deepEqual(lines.map((line) => (line as { issuer: string | null }).issuer), ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', null]);
});

test('requests that run at the same time are told apart', async () => {
  const { lines, request, committed } = trail();
  const steps = ['a', 'b'].map((id) => () => void Promise.resolve().then(() => committed({ changes: [], tokens: [token(id)], signers: [] })));
  request(steps[0]!, { id: 'first' });
  request(steps[1]!, { id: 'second' });
  await new Promise(setImmediate);
  assert.deepEqual(lines.slice(2).map((line) => [(line as { jti: string }).jti, (line as { requestId: string }).requestId]), [['a', 'first'], ['b', 'second']]);
});

test('a name that looks like a line makes none', () => {
  const written: string[] = [];
  const { request } = trail((line) => void written.push(line));
  request(() => undefined, { path: '/x\n{"kind":"call"}' });
  assert.deepEqual([written.length, written[0]!.split('\n').length], [1, 2]);
});

test('a line that can not be written is told, and nothing else happens', () => {
  const { failures, request } = trail(() => { throw new Error('disk full'); });
  request(() => undefined);
  assert.deepEqual(failures.map((error) => (error as Error).message), ['disk full']);
});
