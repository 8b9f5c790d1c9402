import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fakeServer, type FakeServer, runLine } from '../../test/support/command-line.ts';

const PATH = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/providers/Mintmark.Oidc/issuers/default/importKey';
const LINE = ['issuer', 'import-key', '-g', 'g', '-n', 'c'];

async function server(t: TestContext, body: object = {}): Promise<FakeServer & { readonly file: string }> {
  const fake = await fakeServer({ [`POST ${PATH}`]: { status: 200, body: { kid: 'K', algorithm: 'RS256', as: 'verifyOnly', expiresAt: '2027-01-02T00:00:00.000Z', revoked: [], ...body } } });
  t.after(() => fake.close());
  const file = join(fake.home, 'key.pem');
  writeFileSync(file, 'PEM');
  return { ...fake, file, get requests() { return fake.requests; } };
}
const bodies = (fake: FakeServer): readonly unknown[] => fake.requests.map(({ body }) => JSON.parse(body));

test('a public key is sent with how long it is to verify', async (t) => {
  const fake = await server(t);
  const ran = await runLine([...LINE, '--public-key-file', fake.file], fake);
  assert.deepEqual([ran.code, ran.stderr], [0, 'WARNING: The API servers of the cluster verify with key K until 2027-01-02 00:00:00; it is not in the public list.\n']);
  await runLine([...LINE, '--public-key-file', fake.file, '--verify-for', '2d'], fake);
  await runLine([...LINE, '--public-key-file', fake.file, '--verify-for', 'forever'], fake);
  assert.deepEqual(bodies(fake), [{ publicKey: 'PEM' }, { publicKey: 'PEM', verifyForSeconds: 172_800 }, { publicKey: 'PEM', forever: true }]);
});

test('a private key is sent only after a yes, and what that means is said first', async (t) => {
  const fake = await server(t, { as: 'prepared', expiresAt: null });
  assert.equal((await runLine([...LINE, '--private-key-file', fake.file, '--sign'], fake)).code, 1);
  assert.equal((await runLine([...LINE, '--private-key-file', fake.file, '--sign'], { ...fake, home: fake.home, input: 'n\n', terminal: true })).code, 1);
  assert.deepEqual(bodies(fake), []);
  const ran = await runLine([...LINE, '--private-key-file', fake.file, '--sign', '-y'], fake);
  assert.match(ran.stderr, /^WARNING: Whoever else has this private key can sign tokens of this issuer.*\nWARNING: The key that is prepared now is revoked for good.*\nWARNING: Key K is prepared: it is published now, and signs with the next rotation\./);
  assert.deepEqual(bodies(fake), [{ privateKey: 'PEM', sign: true }]);
});

test('of a private key that is not RSA it is said, before the question, that Entra ID will refuse its tokens', async (t) => {
  const fake = await server(t, { as: 'prepared', expiresAt: null });
  const asked = async ({ privateKey }: { readonly privateKey: KeyObject }): Promise<string> => {
    writeFileSync(fake.file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    return (await runLine([...LINE, '--private-key-file', fake.file, '--sign'], { ...fake, home: fake.home, input: 'n\n', terminal: true })).stderr;
  };
  assert.match(await asked(generateKeyPairSync('ec', { namedCurve: 'P-256' })), /\nWARNING: This is no RSA key\. Microsoft Entra ID takes RS256 only, and refuses the tokens of this issuer from when this key signs\.\nImport the private key/);
  assert.doesNotMatch(await asked(generateKeyPairSync('rsa', { modulusLength: 2048 })), /RS256/);
});

test('a line that is not the one or the other is refused before anything is read', async (t) => {
  const fake = await server(t);
  for (const flags of [[], ['--public-key-file', 'a', '--private-key-file', 'b'], ['--private-key-file', 'a'], ['--private-key-file', 'a', '--sign', '--verify-for', '2d'], ['--public-key-file', 'a', '--sign'], ['--public-key-file', 'a', '--verify-for', 'soon'], ['--public-key-file', 'a', '--verify-for', '1s'], ['--public-key-file', 'a', '--verify-for', '3661d']]) {
    assert.equal((await runLine([...LINE, ...flags], fake)).code, 2, flags.join(' '));
  }
  const missing = await runLine([...LINE, '--public-key-file', '/nowhere/sa.pub'], fake);
  assert.match(missing.stderr, /^ERROR: The key file \/nowhere\/sa\.pub can not be read: ENOENT/);
  assert.deepEqual(bodies(fake), []);
});
