import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, GROUP, type ManagementWorld, openManagement, START, SUBSCRIPTION } from '../../../test/support/management.ts';
import { parseEnrolmentToken } from '../../domain/enrolment-token.ts';
import type { SignerRecord } from '../../domain/signer.ts';
import { enrolSigner } from '../../domain/signer.ts';
import type { IssuerBody, IssuerSummaryBody } from './contract.ts';
import type { CreateJoinCredentialReply, CreateSignerReply, JoinCredentialBody, SignerBody } from './signer-contract.ts';

const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;

async function withIssuer(): Promise<ManagementWorld & { readonly issuerId: string }> {
  const world = await openManagement();
  await world.ask('PUT', GROUP, { location: 'eastus' });
  await world.ask('PUT', CLUSTER, { location: 'eastus', properties: { oidcIssuerProfile: { enabled: true } } });
  return { ...world, issuerId: (await world.store.read((tx) => tx.resource(CLUSTER)))!.issuerId! };
}

/** A signer as if it had enrolled. */
async function enrol(world: ManagementWorld & { readonly issuerId: string }, name: string, change: Partial<SignerRecord> = {}): Promise<SignerRecord> {
  return world.store.write(async (tx) => {
    const ring = (await tx.keyRing(world.issuerId))!;
    const made = enrolSigner(ring, { id: `${name}-id`, name, mode: 'external', assertionJwk: {}, encryptionJwk: {}, createdBy: 'principal:owner', leaseSeconds: 86_400 }, tx.now);
    const record = { ...made, kids: [ring.keys[0]!.kid], ...change };
    await tx.putSigner(record);
    return record;
  });
}

test('a token for a signer is told once, with who would give way', async () => {
  const world = await withIssuer();
  await enrol(world, 'cp-1');
  const reply = await world.ask('POST', `${ISSUER}/createSigner`, { name: 'cp-1', expiresInSeconds: 60 });
  const { token, ...told } = reply.json<CreateSignerReply>();
  assert.deepEqual([reply.statusCode, reply.headers['cache-control']], [200, 'no-store']);
  assert.deepEqual(told, { name: 'cp-1', expiresAt: new Date(START.getTime() + 60_000).toISOString(), replaces: { name: 'cp-1', lastContactAt: START.toISOString() } });
  const { secret, id, ringSigningKey, ...said } = parseEnrolmentToken(token)!;
  assert.deepEqual(said, { kind: 'once', url: 'https://signers.example', ca: 'ab'.repeat(32), name: 'cp-1' });
  assert.ok(secret.length === 43 && id.length === 36 && ringSigningKey.length === 43);
  assert.deepEqual((await world.ask('POST', `${ISSUER}/createSigner`)).json<CreateSignerReply>().replaces, null);
});

test('join credentials are made, shown without their token, and revoked', async () => {
  const world = await withIssuer();
  const reply = (await world.ask('POST', `${ISSUER}/createJoinCredential`, { expiresInSeconds: 3600, maxUses: 5, cidrs: ['10.0.0.0/8'], replaceByName: true })).json<CreateJoinCredentialReply>();
  const id = parseEnrolmentToken(reply.token)!.id;
  const shown: JoinCredentialBody = {
    id: `${ISSUER}/joinCredentials/${id}`, name: id, type: 'Mintmark.Oidc/issuers/joinCredentials',
    properties: { createdAt: START.toISOString(), createdBy: 'principal:owner', expiresAt: new Date(START.getTime() + 3_600_000).toISOString(), maxUses: 5, uses: 0, cidrs: ['10.0.0.0/8'], replaceByName: true, revokedAt: null },
  };
  assert.deepEqual(reply.credential, shown);
  assert.deepEqual((await world.ask('GET', `${ISSUER}/joinCredentials`)).json(), { value: [shown] });
  assert.deepEqual((await world.ask('GET', `${ISSUER}/joinCredentials/${id}`)).json(), shown);
  assert.equal((await world.ask('DELETE', `${ISSUER}/joinCredentials/${id}`)).statusCode, 204);
  assert.equal((await world.ask('GET', `${ISSUER}/joinCredentials/${id}`)).json<JoinCredentialBody>().properties.revokedAt, START.toISOString());
  assert.equal((await world.ask('DELETE', `${ISSUER}/joinCredentials/none`)).statusCode, 404);
  const replacing = async (body?: object): Promise<boolean> => (await world.ask('POST', `${ISSUER}/createJoinCredential`, body)).json<CreateJoinCredentialReply>().credential.properties.replaceByName;
  assert.deepEqual([await replacing(), await replacing({ replaceByName: null }), await replacing({ replaceByName: false })], [true, true, false]);
});

test('a signer is shown with all that people ask about', async () => {
  const world = await withIssuer();
  const { kids } = await enrol(world, 'cp-1', { clockOffsetMs: -1500, program: '0.1.0', acked: { epoch: 1, version: 1, at: START }, keyInUse: 'kid' });
  const body = (await world.ask('GET', `${ISSUER}/signers/cp-1`)).json<SignerBody>();
  const ring = (await world.store.read((tx) => tx.keyRing(world.issuerId)))!;
  assert.deepEqual(body, {
    id: `${ISSUER}/signers/cp-1`, name: 'cp-1', type: 'Mintmark.Oidc/issuers/signers',
    properties: {
      signerId: 'cp-1-id', state: ring.version === 1 ? 'current' : 'behind', mode: 'external', enrolledAt: START.toISOString(), createdBy: 'principal:owner', lastContactAt: START.toISOString(), refusesRingSince: null, lastRefusedAt: null, clockOffsetMilliseconds: -1500, mintmarkVersion: '0.1.0',
      acknowledgedVersion: 1, acknowledgedAt: START.toISOString(), ringVersion: ring.version, keyInUse: 'kid', leaseSeconds: 86_400, replacedAt: null, leaseEndsAt: new Date(START.getTime() + 86_700_000).toISOString(), writtenOffAt: null, deletedAt: null, debt: [],
    },
  });
  assert.deepEqual((await world.ask('GET', `${ISSUER}/signers/cp-1-id`)).json(), body);
  assert.deepEqual((await world.ask('GET', `${ISSUER}/signers`)).json(), { value: [body] });
  assert.equal((await world.ask('GET', `${ISSUER}/signers/cp-2`)).statusCode, 404);
  assert.equal(kids.length, 1);
});

test('states: current, behind, silent, written off, deleted; a deleted one owes the keys that it had', async () => {
  const world = await withIssuer();
  const ring = (await world.store.read((tx) => tx.keyRing(world.issuerId)))!;
  await enrol(world, 'b-behind');
  await enrol(world, 'c-current', { acked: { epoch: ring.epoch, version: ring.version, at: START } });
  await enrol(world, 'd-deleted');
  await enrol(world, 's-silent', { lastContactAt: new Date(START.getTime() - 180_000) });
  await enrol(world, 'w-written');
  await enrol(world, 'x-refuses', { lastContactAt: new Date(START.getTime() - 180_000), refusal: { since: new Date(START.getTime() - 90_000), lastAt: START } });
  const off = (await world.ask('POST', `${ISSUER}/writeOffSigner`, { name: 'w-written' })).json<SignerBody>().properties;
  const gone = (await world.ask('DELETE', `${ISSUER}/signers/d-deleted`)).json<SignerBody>().properties;
  assert.deepEqual([off.state, off.writtenOffAt, off.leaseEndsAt, off.debt], ['writtenOff', START.toISOString(), null, []]);
  assert.deepEqual([gone.state, gone.deletedAt, gone.debt], ['deleted', START.toISOString(), [ring.keys[0]!.kid]]);
  const states = (await world.ask('GET', `${ISSUER}/signers`)).json<{ readonly value: readonly SignerBody[] }>().value.map(({ name, properties }) => `${name} ${properties.state}`);
  assert.deepEqual(states, ['b-behind behind', 'c-current current', 'd-deleted deleted', 's-silent silent', 'w-written writtenOff', 'x-refuses refusing']);
  const { refusesRingSince, lastRefusedAt } = (await world.ask('GET', `${ISSUER}/signers/x-refuses`)).json<SignerBody>().properties;
  assert.deepEqual([refusesRingSince, lastRefusedAt], [new Date(START.getTime() - 90_000).toISOString(), START.toISOString()]);
  await world.ask('POST', `${ISSUER}/rotate`, { emergency: true });
  assert.deepEqual((await world.ask('GET', `${ISSUER}/signers/d-deleted`)).json<SignerBody>().properties.debt, []);
});

test('where nobody can know when the keys rotate next, the issuer and the list of issuers say that it is for a signer', async () => {
  const world = await withIssuer();
  await enrol(world, 'cp-1');
  const known = async (): Promise<readonly (readonly [boolean, string | null])[]> => {
    const list = (await world.ask('GET', `/subscriptions/${SUBSCRIPTION}/providers/Mintmark.Oidc/issuers`)).json<{ readonly value: readonly IssuerSummaryBody[] }>().value;
    return [(await world.ask('GET', ISSUER)).json<IssuerBody>().properties.calendar, list[0]!.properties].map(({ nextRotationAt, nextRotationWaitsFor }) => [nextRotationAt !== null, nextRotationWaitsFor] as const);
  };
  assert.deepEqual(await known(), [[true, null], [true, null]]);
  await world.ask('POST', `${ISSUER}/rotate`, {});
  assert.deepEqual(await known(), [[false, 'signers'], [false, 'signers']]);
  await world.ask('POST', `${ISSUER}/writeOffSigner`, { name: 'cp-1' });
  await world.ask('PUT', `${ISSUER}/rotationPolicy`, { properties: { rotateEverySeconds: null } });
  assert.deepEqual(await known(), [[false, null], [false, null]]);
});

const MEMBERS: readonly (readonly [path: string, body: object, target: string])[] = [
  ['createSigner', { name: 'No Name' }, 'name'], ['createSigner', { name: 'a-' }, 'name'], ['createSigner', { expiresInSeconds: 3601 }, 'expiresInSeconds'], ['createSigner', { expiresInSeconds: 59 }, 'expiresInSeconds'],
  ['createJoinCredential', { maxUses: 0 }, 'maxUses'], ['createJoinCredential', { cidrs: ['10.0.0.0/33'] }, 'cidrs'], ['createJoinCredential', { cidrs: Array.from({ length: 33 }, () => '::1') }, 'cidrs'], ['createJoinCredential', { expiresInSeconds: 1e9 }, 'expiresInSeconds'],
  ['writeOffSigner', {}, 'name'],
];
for (const [path, body, target] of MEMBERS) {
  test(`${path} ${JSON.stringify(body).slice(0, 60)} is refused by its member`, async () => {
    const reply = await (await withIssuer()).ask('POST', `${ISSUER}/${path}`, body);
    const { error } = reply.json<{ readonly error: { readonly target?: string; readonly details?: readonly { readonly target: string }[] } }>();
    assert.deepEqual([reply.statusCode, error.details?.[0]?.target ?? error.target], [400, target]);
  });
}

/** Who may do what: a Reader reads, everything else needs an Owner. */
const ACTS: readonly (readonly [method: 'GET' | 'POST' | 'DELETE', path: string, body: object | undefined, reader: number])[] = [
  ['GET', 'signers', undefined, 200], ['GET', 'signers/cp-1', undefined, 200], ['GET', 'joinCredentials', undefined, 200],
  ['POST', 'createSigner', {}, 403], ['POST', 'createJoinCredential', {}, 403], ['POST', 'writeOffSigner', { name: 'cp-1' }, 403], ['DELETE', 'signers/cp-1', undefined, 403], ['DELETE', 'joinCredentials/x', undefined, 403],
];
test('a Contributor makes, ends and deletes no signer; a Reader reads; who has no role there learns nothing', async () => {
  const world = await withIssuer();
  await enrol(world, 'cp-1');
  for (const [method, path, payload, status] of ACTS) {
    for (const [who, expected] of [['contributor', status], ['reader', status], ['nobody', 404], ['stranger', 404], [null, 401]] as const) {
      const reply = await world.as(who, { method, url: `${ISSUER}/${path}`, ...(payload === undefined ? {} : { payload }) });
      assert.equal(reply.statusCode, expected, `${who} ${method} ${path}`);
    }
  }
  assert.equal((await world.ask('GET', `${ISSUER}/signers/cp-1`)).json<SignerBody>().properties.writtenOffAt, null);
});

test('a cluster with signers is not deleted', async () => {
  const world = await withIssuer();
  await enrol(world, 'cp-1');
  assert.deepEqual([(await world.ask('DELETE', CLUSTER)).statusCode, (await world.ask('DELETE', GROUP)).statusCode], [409, 409]);
  await world.ask('DELETE', `${ISSUER}/signers/cp-1`);
  assert.ok((await world.ask('DELETE', CLUSTER)).statusCode < 300);
});
