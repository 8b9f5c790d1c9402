/** Signers on the command line: what is sent, what is printed, what is said before and after something ends. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Answers, fakeServer, type FakeServer, runLine } from '../../test/support/command-line.ts';
import type { KeyBody } from '../http/management/contract.ts';
import type { SignerBody } from '../http/management/signer-contract.ts';
import type { ServerCommands } from './session.ts';
import { wayOut } from './commands/signer-debt.ts';
import { afterDeletion, afterWriteOff, beforeDeletion, beforeWriteOff, clockInWords, listWarnings, stateInWords, tokenWarnings, writeOffQuestion } from './commands/signer-words.ts';

const ISSUER = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/providers/Mintmark.Oidc/issuers/default';
const OURS = ['-g', 'g', '-n', 'c'];
const PLACE = { resourceGroup: 'g', name: 'c' };
const NOW = new Date('2026-03-01T12:00:00.000Z');
const before = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString();

const signer = (change: Partial<SignerBody['properties']> = {}): SignerBody => ({
  id: `${ISSUER}/signers/cp-1`, name: 'cp-1', type: 'Mintmark.Oidc/issuers/signers',
  properties: {
    signerId: 'id-1', state: 'current', mode: 'external', enrolledAt: before(86_400), createdBy: 'principal:ada', lastContactAt: before(20), refusesRingSince: null, lastRefusedAt: null, clockOffsetMilliseconds: 200, mintmarkVersion: '0.1.0', acknowledgedVersion: 7,
    acknowledgedAt: before(60), ringVersion: 7, keyInUse: 'K2', leaseSeconds: 86_400, replacedAt: null, leaseEndsAt: before(-86_680), writtenOffAt: null, deletedAt: null, debt: [], ...change,
  },
});

const key = (kid: string, state: KeyBody['state'], expiresAt: string | null = null): KeyBody => ({
  kid, state, expiresAt, algorithm: 'RS256', origin: 'generated', published: true, createdAt: before(0), publishedAt: before(0), activatedAt: before(0), retiredAt: null, revokedAt: null, liveTokens: 0, publicJwk: {},
});

async function server(t: TestContext, answers: Answers): Promise<FakeServer> {
  const fake = await fakeServer(answers);
  t.after(() => fake.close());
  return fake;
}
const sent = (fake: FakeServer): readonly string[] => fake.requests.map(({ method, url, body }) => `${method} ${(url.split('/default/')[1] ?? '').split('?')[0]} ${body}`.trim());

const STATES: readonly (readonly [Partial<SignerBody['properties']>, string])[] = [
  [{}, 'current'], [{ state: 'behind', acknowledgedVersion: 5 }, 'behind: has version 5 of 7'], [{ state: 'behind', acknowledgedVersion: null }, 'behind: has acknowledged nothing yet'],
  [{ state: 'refusing', refusesRingSince: before(60), lastRefusedAt: before(5), acknowledgedVersion: 5 }, 'refuses its ring since 2026-03-01 11:59:00: has version 5 of 7'],
  [{ state: 'silent', lastContactAt: before(183_600) }, 'silent for 2 d 3 h'], [{ state: 'silent', lastContactAt: before(183_600), refusesRingSince: before(9000), lastRefusedAt: before(3600) }, 'silent for 1 h'], [{ state: 'writtenOff', writtenOffAt: before(0) }, 'written off since 2026-03-01 12:00:00'],
  [{ state: 'deleted', deletedAt: before(0) }, 'deleted since 2026-03-01 12:00:00'], [{ state: 'deleted', deletedAt: before(0), debt: ['a'] }, 'deleted since 2026-03-01 12:00:00, owes 1 key'],
  [{ state: 'deleted', deletedAt: before(0), debt: ['a', 'b'] }, 'deleted since 2026-03-01 12:00:00, owes 2 keys'],
];
test('states in words', () => {
  for (const [change, words] of STATES) assert.equal(stateInWords(signer(change), NOW), words);
});

test('clocks in words', () => {
  assert.deepEqual([null, 0, -999, 90_000, -1000].map((clockOffsetMilliseconds) => clockInWords(signer({ clockOffsetMilliseconds }))), ['not known yet', 'in step', 'in step', '1 min 30 s ahead', '1 s behind']);
});

test('a list warns of a lease that ends, of a clock, and of a debt; and of nothing else', () => {
  const silent = { state: 'silent', lastContactAt: before(50_000), leaseEndsAt: before(-36_700) } as const;
  const warnings = (change: Partial<SignerBody['properties']>): readonly string[] => listWarnings([signer(change)], NOW, PLACE, [key('K1', 'active')]);
  assert.deepEqual(warnings(silent), ['The signer cp-1 stops to sign within 10 h 11 min unless it reaches the server: its API server would issue no tokens.']);
  assert.deepEqual(warnings({ clockOffsetMilliseconds: -61_000 }), ['The clock of cp-1 is off by 1 min 1 s; at 2 min its requests are refused.']);
  assert.deepEqual(warnings({ state: 'deleted', debt: ['K1'] }), ['cp-1 was deleted and had the private half of K1, which still verifies. 1. Rotate, so that nothing new is signed with K1: mintmark issuer rotate -g g -n c. 2. If the machine may have leaked it, revoke it when it is retired: mintmark issuer revoke-key -g g -n c --kid K1.']);
  for (const quiet of [{}, { ...silent, leaseEndsAt: before(-80_000) }, { ...silent, leaseSeconds: null, leaseEndsAt: null }, { clockOffsetMilliseconds: 60_000 }, { state: 'writtenOff', clockOffsetMilliseconds: 90_000 }] as const) assert.deepEqual(warnings(quiet), []);
});

test('of a debt only what is left is said: no rotation, which would revoke it, for a key that has retired', () => {
  const said = (...keys: readonly KeyBody[]): string => wayOut(['K1', 'K2'], keys, PLACE);
  const left = (kid: string, end: string): string => `${kid} has retired: nothing new is signed with it, and it leaves by itself ${end}. Only if the machine may have leaked it, revoke it, which breaks the tokens that live on it: mintmark issuer revoke-key -g g -n c --kid ${kid}.`;
  const [retired, unsettled] = [key('K1', 'retired', before(-3600)), key('K2', 'retired')];
  assert.equal(said(retired, key('K3', 'active')), left('K1', 'at 2026-03-01 13:00:00'));
  assert.equal(said(retired, unsettled), `${left('K1', 'at 2026-03-01 13:00:00')} ${left('K2', 'a day after every signer has acknowledged that it signs with it no more')}`);
  assert.match(said(retired, key('K2', 'active')), /^1\. Rotate, so that nothing new is signed with K2: mintmark issuer rotate -g g -n c\. 2\. .*: mintmark issuer revoke-key -g g -n c --kid K2\. K1 has retired: /);
  assert.equal(said(key('K1', 'revoked'), key('K3', 'active')), 'Meanwhile none of it verifies any more: nothing is left to do.');
});

test('a list says of a signer that refuses its ring since when, until when that holds things up, and what to do', () => {
  const refusing = { state: 'refusing', refusesRingSince: before(3600), lastRefusedAt: before(5), lastContactAt: before(3600) } as const;
  const said = (change: Partial<SignerBody['properties']>): string => listWarnings([signer({ ...refusing, ...change })], NOW, PLACE, [])[0]!;
  assert.match(said({}), /^The signer cp-1 refuses the key ring that this server gives it since 2026-03-01 11:00:00, and goes on with the one that it has\. A rotation waits for it until 2026-03-02 12:04:40, when its lease is over and its API server issues no tokens any more\. Its log and \/healthz on its host say why: .* enrol it again: mintmark signer create -g g -n c --signer cp-1\.$/);
  assert.match(said({ leaseSeconds: null, leaseEndsAt: null }), / A rotation waits for it until it takes one\. /);
  assert.match(beforeWriteOff(signer(refusing), NOW)[0]!, /^The signer cp-1 was last seen 5 s ago: it is alive/);
  assert.match(beforeDeletion(signer(refusing), NOW)[0]!, /It is there: /);
});

test('a list warns of names that several are enrolled under, with their ids', () => {
  const twin = (signerId: string, change: Partial<SignerBody['properties']> = {}): SignerBody => signer({ signerId, ...change });
  assert.deepEqual(listWarnings([twin('A'), twin('B', { state: 'behind', lastContactAt: before(5) })], NOW, PLACE, []), ['2 signers are enrolled as cp-1: A (last seen 20 s ago), B (last seen 5 s ago). A rotation waits for each. If the machine of one is gone, write it off by its id: mintmark signer write-off -g g -n c --signer ID.']);
  for (const gone of [{ state: 'writtenOff' }, { state: 'deleted' }, { replacedAt: before(60) }] as const) assert.deepEqual(listWarnings([twin('A'), twin('B', gone)], NOW, PLACE, []), []);
});

test('a write-off of a signer that is alive is called that: it comes back by itself, and until then nothing keeps its cluster', () => {
  const refusing = signer({ state: 'refusing', refusesRingSince: before(60), lastRefusedAt: before(5) });
  for (const there of [signer(), signer({ state: 'behind' }), refusing]) {
    const back = there === refusing ? 'as soon as it takes the ring that it refuses now' : 'at its next contact, within a minute';
    assert.equal(beforeWriteOff(there, NOW)[0], `The signer cp-1 was last seen ${there === refusing ? 5 : 20} s ago: it is alive, and a write-off does not end it. It signs on, and comes back by itself ${back}, with the key that signs. Until then it is not enrolled: no rotation waits for it, so tokens that it signs may end before their time, and nothing keeps its cluster from being deleted. To end it for good, use 'mintmark signer delete'.`);
    assert.equal(writeOffQuestion(there), 'Write off the signer cp-1, although it is alive?');
    assert.equal(afterWriteOff(there, PLACE)[0], `cp-1 is written off, but it is alive: it signs on, and comes back by itself ${back}, with the key that signs. To end it for good, detach its API server and delete it: mintmark signer delete -g g -n c --signer id-1. That tells what is left to do about the keys that it had.`);
  }
  assert.equal(writeOffQuestion(signer({ state: 'silent' })), 'Write off the signer cp-1?');
});

test('what is said around an end', () => {
  assert.match(beforeWriteOff(signer({ state: 'silent' }), NOW)[0]!, /^The signer cp-1 was last seen 20 s ago\. From now on no rotation waits for it\. .* If its machine is alive, it is given the key that signs again at its next contact: to shut it out, use 'mintmark signer delete'\.$/);
  assert.match(beforeWriteOff(signer({ state: 'writtenOff' }), NOW)[0]!, /written off already\.$/);
  assert.match(beforeDeletion(signer(), NOW)[0]!, /It is there: it will wipe its ring/);
  assert.equal(beforeDeletion(signer({ state: 'silent' }), NOW)[0], 'The signer cp-1 was last seen 20 s ago.');
  assert.deepEqual(afterDeletion(signer({ state: 'deleted' }), PLACE, []), ['cp-1 is deleted. No key that it had verifies any more: nothing is left to do.']);
});

test('who gives way is said with a token', () => {
  const reply = { token: 'mmse_x', name: 'cp-1', expiresAt: before(-3600), replaces: null };
  assert.deepEqual(tokenWarnings(reply, NOW), ['The token is shown only now. It lets one machine enrol as cp-1 until 2026-03-01 13:00:00: put it in a file there that only root can read.']);
  assert.equal(tokenWarnings({ ...reply, replaces: { name: 'cp-1', lastContactAt: before(5) } }, NOW)[1], 'A signer cp-1 is enrolled, last seen 5 s ago. Whoever enrols with this token takes its place, and nothing waits for it any longer.');
});

test('signer create sends what was given and prints the token', async (t) => {
  const fake = await server(t, { [`POST ${ISSUER}/createSigner`]: { status: 200, body: { token: 'mmse_x', name: null, expiresAt: before(-3600), replaces: null } } });
  assert.equal((await runLine(['signer', 'create', ...OURS, '--query', 'token', '-o', 'tsv'], fake)).stdout, 'mmse_x\n');
  await runLine(['signer', 'create', ...OURS, '--signer', 'cp-1', '--expires-in', '10m'], fake);
  assert.deepEqual(sent(fake), ['POST createSigner {}', 'POST createSigner {"name":"cp-1","expiresInSeconds":600}']);
});

test('what the server would refuse of a name or a length is a bad argument, and nothing is sent', async (t) => {
  const fake = await server(t, {});
  const rows = [
    [['create', '--signer', 'CP_2'], /argument --signer: 'CP_2' is no name for a signer\. It has lower-case letters/], [['create', '--signer', ''], /is no name for a signer/], [['create', '--expires-in', '2h'], /argument --expires-in: '2h' is not from 1m to 1h\./],
    [['create-join-credential', '--expires', '0s'], /argument --expires: '0s' is not from 1m to 3660d\./], [['create-join-credential', '--expires', '3661d'], /is not from 1m to 3660d\./],
    [['create-join-credential', '--max-uses', '0'], /argument --max-uses: '0' is no whole number from 1 to 1000000\./], [['create-join-credential', '--max-uses', '1000001'], /argument --max-uses: '1000001' is no whole number/],
  ] as const;
  for (const [line, why] of rows) {
    const { code, stderr } = await runLine(['signer', ...line, ...OURS], fake);
    assert.equal(code, 2, stderr);
    assert.match(stderr, why);
  }
  assert.deepEqual(fake.requests, []);
});

test('signer list and show', async (t) => {
  const fake = await server(t, { [`GET ${ISSUER}/signers`]: { status: 200, body: { value: [signer({ lastContactAt: '2026-01-01T00:00:00.000Z' }), signer({ mode: 'keyFiles', lastContactAt: '2026-01-01T00:00:00.000Z' })] } }, [`GET ${ISSUER}/signers/id-1`]: { status: 200, body: signer() } });
  assert.match((await runLine(['signer', 'list', ...OURS, '-o', 'table'], fake)).stdout, /^Name +Mode +State +Version +LastSeen +Clock +Mintmark +KeyInUse +Debt +SignerId\n[- ]+\ncp-1 +external +current +7 +2026-01-01 00:00:00 +in step +0\.1\.0 +K2 +0 +id-1\ncp-1 +key-files +current /);
  assert.equal((await runLine(['signer', 'show', ...OURS, '--signer', 'id-1', '--query', '[name,resourceGroup,keyInUse]', '-o', 'tsv'], fake)).stdout, 'cp-1\ng\nK2\n');
});

test('nothing ends without a yes', async (t) => {
  const fake = await server(t, {});
  for (const line of [['write-off', '--signer', 'cp-1'], ['delete', '--signer', 'cp-1'], ['revoke-join-credential', '--id', 'x']]) assert.equal((await runLine(['signer', line[0]!, ...OURS, ...line.slice(1)], fake)).code, 1);
  assert.deepEqual(sent(fake), []);
});

test('a write-off and a deletion say what they break, and what is left to do', async (t) => {
  const ended = signer({ state: 'deleted', deletedAt: before(0), debt: ['K1', 'K2'] });
  const [silent, issuer] = [signer({ state: 'silent' }), { id: ISSUER, properties: { keys: [key('K1', 'retired', before(-3600)), key('K2', 'active')] } }];
  const fake = await server(t, { [`GET ${ISSUER}`]: { status: 200, body: issuer }, [`GET ${ISSUER}/signers`]: { status: 200, body: { value: [silent] } }, [`GET ${ISSUER}/signers/cp-1`]: { status: 200, body: silent }, [`POST ${ISSUER}/writeOffSigner`]: { status: 200, body: signer({ state: 'writtenOff' }) }, [`DELETE ${ISSUER}/signers/cp-1`]: { status: 200, body: ended } });
  const off = await runLine(['signer', 'write-off', ...OURS, '--signer', 'cp-1', '-y'], fake);
  assert.match(off.stderr, /^WARNING: The signer cp-1 was last seen .*\nWARNING: cp-1 is written off\. If its machine is alive, it is enrolled anew at its next contact and given the key that signs again\. To shut it out, or if it will not come back, delete it: mintmark signer delete -g g -n c --signer id-1\. That tells what is left to do about the keys that it had\.\n$/);
  const gone = await runLine(['signer', 'delete', ...OURS, '--signer', 'cp-1', '-y'], fake);
  assert.match(gone.stderr, /It had the private half of K1, K2\. 1\. Rotate, .* signed with K2: mintmark issuer rotate -g g -n c\. 2\. .*revoke it when it is retired: mintmark issuer revoke-key -g g -n c --kid K2\. K1 has retired: .* leaves by itself at 2026-03-01 13:00:00\. /);
  assert.deepEqual(sent(fake).filter((line) => line !== 'GET'), ['GET signers', 'GET signers/cp-1', 'POST writeOffSigner {"name":"cp-1"}', 'GET signers', 'GET signers/cp-1', 'DELETE signers/cp-1']);
});

test('list and show say of a debt what is left of it, by what its key does now', async (t) => {
  const gone = signer({ state: 'deleted', deletedAt: before(0), debt: ['K1'] });
  const fake = await server(t, { [`GET ${ISSUER}`]: { status: 200, body: { id: ISSUER, properties: { keys: [key('K1', 'retired', before(-3600)), key('K2', 'active')] } } }, [`GET ${ISSUER}/signers`]: { status: 200, body: { value: [gone] } }, [`GET ${ISSUER}/signers/cp-1`]: { status: 200, body: gone } });
  for (const line of [['list'], ['show', '--signer', 'cp-1']]) {
    assert.match((await runLine(['signer', ...line, ...OURS], fake)).stderr, /^WARNING: cp-1 was deleted and had the private half of K1, which still verifies\. K1 has retired: nothing new is signed with it, and it leaves by itself at 2026-03-01 13:00:00\. Only if/);
  }
});

test('a name that several signers have ends none of them, and shows none: the ids are asked for', async (t) => {
  const twins = [signer({ signerId: 'A', lastContactAt: before(5) }), signer({ signerId: 'B' }), signer({ signerId: 'C', state: 'writtenOff' })];
  const fake = await server(t, { [`GET ${ISSUER}/signers`]: { status: 200, body: { value: twins } }, [`GET ${ISSUER}/signers/B`]: { status: 200, body: twins[1] }, [`DELETE ${ISSUER}/signers/B`]: { status: 200, body: twins[1] } });
  for (const verb of ['write-off', 'delete']) {
    const { code, stderr } = await runLine(['signer', verb, ...OURS, '--signer', 'cp-1', '-y'], fake);
    assert.deepEqual([code, /2 signers are enrolled as cp-1: A \(last seen .*\), B \(last seen .*\)\. Nothing was changed\. Say which one is meant by its id: --signer ID\./.test(stderr)], [1, true], stderr);
  }
  const asked = await runLine(['signer', 'show', ...OURS, '--signer', 'cp-1'], fake);
  assert.deepEqual([asked.code, asked.stdout, /2 signers are enrolled as cp-1: A \(last seen .*\), B \(last seen .*\)\. Say which one is meant by its id: --signer ID\./.test(asked.stderr)], [1, '', true], asked.stderr);
  assert.equal((await runLine(['signer', 'show', ...OURS, '--signer', 'B', '--query', 'signerId', '-o', 'tsv'], fake)).stdout, 'B\n');
  assert.equal((await runLine(['signer', 'delete', ...OURS, '--signer', 'B', '-y'], fake)).code, 0);
  assert.deepEqual(sent(fake).filter((line) => !line.startsWith('GET')), ['DELETE signers/B']);
});

test('join credentials: limits are sent and said, the token only once', async (t) => {
  const credential = { id: `${ISSUER}/joinCredentials/J`, name: 'J', type: 't', properties: { createdAt: before(0), createdBy: 'principal:ada', expiresAt: before(-86_400), maxUses: 1, uses: 0, cidrs: ['10.0.0.0/8', '::1'], replaceByName: true, revokedAt: null } };
  const fake = await server(t, { [`POST ${ISSUER}/createJoinCredential`]: { status: 200, body: { token: 'mmsj_x', credential } }, [`GET ${ISSUER}/joinCredentials`]: { status: 200, body: { value: [credential] } }, [`DELETE ${ISSUER}/joinCredentials/J`]: { status: 204 } });
  const made = await runLine(['signer', 'create-join-credential', ...OURS, '--expires', '1d', '--max-uses', '1', '--cidr', '10.0.0.0/8', '--cidr', '::1', '--query', 'token', '-o', 'tsv'], fake);
  assert.deepEqual([made.stdout, /ends 2026-03-02 12:00:00, may be used once, from 10\.0\.0\.0\/8, ::1, takes names over\.[^]*takes the place of a signer of its name that does not ask any more within two minutes/.test(made.stderr)], ['mmsj_x\n', true]);
  assert.match((await runLine(['signer', 'list-join-credentials', ...OURS, '-o', 'table'], fake)).stdout, /J +2026-03-01 12:00:00 +0 +ends 2026-03-02 12:00:00, may be used once, from 10\.0\.0\.0\/8, ::1, takes names over +good\n$/);
  assert.equal((await runLine(['signer', 'revoke-join-credential', ...OURS, '--id', 'J', '--yes'], fake)).code, 0);
  assert.equal((await runLine(['signer', 'revoke-join-credential', ...OURS, '--id', credential.id, '--yes'], fake)).code, 0);
  await runLine(['signer', 'create-join-credential', ...OURS, '--expires', 'off', '--replace-by-name'], fake);
  credential.properties.replaceByName = false;
  assert.doesNotMatch((await runLine(['signer', 'create-join-credential', ...OURS, '--no-replace-by-name'], fake)).stderr, /takes names over|takes the place/);
  assert.deepEqual(sent(fake), ['POST createJoinCredential {"expiresInSeconds":86400,"maxUses":1,"cidrs":["10.0.0.0/8","::1"],"replaceByName":true}', 'GET joinCredentials', 'DELETE joinCredentials/J', 'DELETE joinCredentials/J', 'POST createJoinCredential {"expiresInSeconds":null,"replaceByName":true}', 'POST createJoinCredential {"expiresInSeconds":7776000,"replaceByName":false}']);
});

test('signer enroll prints both ways to run the signer, and passes warnings on', async () => {
  const signerEnroll: ServerCommands['signerEnroll'] = async ({ warn }) => {
    warn('Others can read it.');
    return { name: 'cp-1', signerId: 's', issuerUrl: 'https://issuer/' };
  };
  const { stdout, stderr } = await runLine(['signer', 'enroll', '--token-file', 'f', '--state-dir', '/d'], { commands: { signerEnroll } });
  assert.deepEqual([stdout.split('\n').filter((line) => line.startsWith('  ')), stderr], [['  mintmark signer run --state-dir /d --socket /run/mintmark/signer.sock', '  mintmark signer run --state-dir /d --mode key-files'], 'WARNING: Others can read it.\n']);
  assert.match(stdout, /\nOr, on k3s, on RKE2 and for Kubernetes before 1\.34, which sign with key files:\n/);
});
