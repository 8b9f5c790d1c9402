import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { pino } from 'pino';
import { CLUSTER, GROUP, type ManagementWorld, openManagement, START } from '../../../test/support/management.ts';
import { keyId } from '../../keys/generate.ts';
import type { ErrorBody, IssuerBody, KeyBody } from './contract.ts';
import type { ImportKeyReply } from './signer-contract.ts';

const ISSUER = `${CLUSTER}/providers/Mintmark.Oidc/issuers/default`;
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }));
const pkcs8 = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
const kid = keyId(publicKey);

async function withIssuer(options: Parameters<typeof openManagement>[0] = {}): Promise<ManagementWorld & { readonly issuerId: string }> {
  const world = await openManagement(options);
  await world.ask('PUT', GROUP, { location: 'eastus' });
  await world.ask('PUT', CLUSTER, { location: 'eastus', properties: { oidcIssuerProfile: { enabled: true } } });
  return { ...world, issuerId: (await world.store.read((tx) => tx.resource(CLUSTER)))!.issuerId! };
}
const ringOf = async (world: ManagementWorld & { readonly issuerId: string }) => (await world.store.read((tx) => tx.keyRing(world.issuerId)))!;
const imported = (world: ManagementWorld, body: object) => world.ask('POST', `${ISSUER}/importKey`, body);
const codeOf = (reply: { json<T>(): T }): string => reply.json<ErrorBody>().error.code;

const PERIODS: readonly (readonly [object, number | null])[] = [[{}, 366 * 86_400], [{ verifyForSeconds: 3600 }, 3600], [{ forever: true }, null]];
for (const [more, seconds] of PERIODS) {
  test(`a public key verifies for ${seconds ?? 'ever'}, and is not in the JWKS`, async () => {
    const world = await withIssuer();
    const reply = await imported(world, { publicKey: spki(publicKey), ...more });
    const expiresAt = seconds === null ? null : new Date(START.getTime() + seconds * 1000);
    assert.deepEqual([reply.statusCode, reply.json()], [200, { kid, algorithm: 'RS256', as: 'verifyOnly', expiresAt: expiresAt?.toISOString() ?? null, revoked: [] }]);
    const ring = await ringOf(world);
    assert.deepEqual(ring.verifyOnly.map((key) => [key.kid, key.expiresAt, key.importedBy]), [[kid, expiresAt, 'principal:owner']]);
    assert.equal(ring.keys.some((key) => key.kid === kid), false);
    assert.equal(codeOf(await imported(world, { publicKey: spki(publicKey) })), 'KeyExists');
  });
}

test('a private key takes the prepared place, sealed, and signs after a rotation', async () => {
  const world = await withIssuer();
  const former = (await ringOf(world)).keys.find(({ state }) => state === 'prepared')!.kid;
  await imported(world, { publicKey: spki(publicKey) });
  assert.deepEqual((await imported(world, { privateKey: pkcs8(privateKey), sign: true })).json<ImportKeyReply>(), { kid, algorithm: 'RS256', as: 'prepared', expiresAt: null, revoked: [former] });
  const sealed = (await world.store.read((tx) => tx.sealedKey(world.issuerId, kid)))!;
  assert.doesNotMatch(Buffer.from(sealed).toString('latin1'), /PRIVATE KEY/);
  world.pass(700);
  await world.ask('POST', `${ISSUER}/rotate`, {});
  const token = await world.ask('POST', `${ISSUER}/issueToken`, { metadata: { namespace: 'a', name: 'b' }, spec: { audiences: ['x'] } });
  assert.equal((JSON.parse(Buffer.from(token.json<{ readonly status: { readonly token: string } }>().status.token.split('.')[0]!, 'base64url').toString()) as { kid: string }).kid, kid);
});

test('what was revoked does not come back, and nine are too many', async () => {
  const world = await withIssuer();
  await imported(world, { privateKey: pkcs8(other.privateKey), sign: true });
  await world.ask('POST', `${ISSUER}/revokeKey`, { kid: keyId(other.publicKey) });
  for (const body of [{ publicKey: spki(other.publicKey) }, { privateKey: pkcs8(other.privateKey), sign: true }]) assert.ok(['KeyWasRevoked', 'KeyExists'].includes(codeOf(await imported(world, body))));
  for (let count = 0; count < 8; count += 1) assert.equal((await imported(world, { publicKey: spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey) })).statusCode, 200);
  assert.equal(codeOf(await imported(world, { publicKey: spki(publicKey) })), 'TooManyVerifyOnlyKeys');
});

test('a key that verifies only is taken out by its kid', async () => {
  const world = await withIssuer();
  await imported(world, { publicKey: spki(publicKey) });
  assert.equal((await world.ask('POST', `${ISSUER}/revokeKey`, { kid })).statusCode, 202);
  assert.deepEqual((await ringOf(world)).verifyOnly, []);
});

const REFUSED: readonly (readonly [string, object, string])[] = [
  ['nothing', {}, 'InvalidRequestContent'], ['both halves', { publicKey: spki(publicKey), privateKey: pkcs8(privateKey), sign: true }, 'InvalidRequestContent'], ['a private key that is not to sign', { privateKey: pkcs8(privateKey) }, 'InvalidRequestContent'],
  ['a public key that is to sign', { publicKey: spki(publicKey), sign: true }, 'InvalidRequestContent'], ['two ends', { publicKey: spki(publicKey), forever: true, verifyForSeconds: 60 }, 'InvalidRequestContent'], ['a private key with an end', { privateKey: pkcs8(privateKey), sign: true, forever: true }, 'InvalidRequestContent'],
  ['a private key as a public one', { publicKey: pkcs8(privateKey) }, 'InvalidKey'], ['no key', { publicKey: 'key' }, 'InvalidKey'], ['no time', { publicKey: spki(publicKey), verifyForSeconds: 0 }, 'InvalidRequestContent'],
];
for (const [what, body, code] of REFUSED) {
  test(`${what} is refused, and no part of a key is told`, async () => {
    const lines: string[] = [];
    const reply = await imported(await withIssuer({ logger: pino({ level: 'trace' }, { write: (line) => void lines.push(line) }) }), body);
    assert.deepEqual([reply.statusCode, codeOf(reply)], [400, code]);
    assert.doesNotMatch(`${reply.body}${lines.join('')}`, new RegExp(pkcs8(privateKey).split('\n')[3]!.replaceAll(/[+/]/g, '.')));
  });
}

test('only an Owner imports', async () => {
  const world = await withIssuer();
  for (const who of ['contributor', 'reader']) assert.equal((await world.as(who, { method: 'POST', url: `${ISSUER}/importKey`, payload: { publicKey: spki(publicKey) } })).statusCode, 403);
});

test('it is shown with the issuer, and the keys of the ring are listed as they were', async () => {
  const world = await withIssuer();
  await imported(world, { publicKey: spki(publicKey) });
  assert.deepEqual((await world.ask('GET', ISSUER)).json<IssuerBody>().properties.verifyOnlyKeys, [{ kid, algorithm: 'RS256', importedAt: START.toISOString(), importedBy: 'principal:owner', expiresAt: new Date(START.getTime() + 366 * 86_400_000).toISOString() }]);
  assert.equal((await world.ask('GET', `${ISSUER}/keys`)).json<{ readonly value: readonly KeyBody[] }>().value.length, 2);
});
