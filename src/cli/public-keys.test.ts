/** `issuer show-public-keys`: a key file as API servers read one. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { fakeServer, runLine } from '../../test/support/command-line.ts';
import { keyId } from '../keys/generate.ts';
import { keysOfFile } from '../keys/key-files.ts';

const KEYS = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/providers/Mintmark.Oidc/issuers/default/keys';
const LINE = ['issuer', 'show-public-keys', '-g', 'g', '-n', 'c'];

const key = (state: string, { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })) => {
  const kid = keyId(publicKey);
  return { kid, state, pem: String(publicKey.export({ type: 'spki', format: 'pem' })), shown: { kid, state, algorithm: 'RS256', publicJwk: { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid } } };
};
const [gone, active, prepared] = [key('revoked'), key('active'), key('prepared')];

async function shown(t: TestContext, ...more: readonly string[]) {
  const fake = await fakeServer({ [`GET ${KEYS}`]: { status: 200, body: { value: [gone, active, prepared].map((one) => one.shown) } } });
  t.after(() => fake.close());
  return runLine([...LINE, ...more], fake);
}

test('all that verify, the key that signs next among them, each under a line that names it', async (t) => {
  const { code, stdout } = await shown(t);
  assert.deepEqual([code, stdout], [0, `# ${active.kid}, active\n${active.pem}# ${prepared.kid}, prepared\n${prepared.pem}`]);
  // What is between the blocks is passed over.
  assert.deepEqual(keysOfFile(stdout, 'accepted.pub').map(({ kid }) => kid), [active.kid, prepared.kid]);
});

test('for programs one by one, and a table without what would fill it', async (t) => {
  assert.deepEqual(JSON.parse((await shown(t, '-o', 'json')).stdout), [active, prepared].map(({ kid, state, pem }) => ({ algorithm: 'RS256', kid, pem, state })));
  const table = await shown(t, '-o', 'table');
  assert.deepEqual([table.stdout.includes('BEGIN'), table.stdout.includes(prepared.kid)], [false, true]);
});
