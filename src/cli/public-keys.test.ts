/** `issuer show-public-keys`: a key file as API servers read one. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Answers, fakeServer, runLine } from '../../test/support/command-line.ts';
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

/** A file to be replaced. */
function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-keys-'));
  t.after(() => { rmSync(dir, { recursive: true }); });
  writeFileSync(join(dir, 'accepted.pub'), 'before', { mode: 0o600 });
  return join(dir, 'accepted.pub');
}

test('a file is written whole, for all to read, in the place of the former, and its keys are named', async (t) => {
  const file = place(t);
  const link = join(dirname(file), 'link');
  symlinkSync(file, link);
  const { code, stdout, stderr } = await shown(t, '-f', link);
  assert.deepEqual([code, stdout, stderr], [0, '', `WARNING: ${link} has 2 public keys: ${active.kid} (active), ${prepared.kid} (prepared). Look at it before you restart the API server, which does not start without it.\n`]);
  assert.deepEqual(keysOfFile(readFileSync(file, 'utf8'), file).map(({ kid }) => kid), [active.kid, prepared.kid]);
  assert.deepEqual([(statSync(file).mode & 0o777).toString(8), readlinkSync(link), readdirSync(dirname(file))], ['644', file, ['accepted.pub', 'link']]);
});

const KEPT: readonly (readonly [string, Answers, RegExp])[] = [
  ['the server refuses', {}, /ResourceNotFound/],
  ['the connection is cut', { [`GET ${KEYS}`]: { status: 200, cut: true } }, /ERROR/],
  ['there is no key', { [`GET ${KEYS}`]: { status: 200, body: { value: [gone.shown] } } }, /The issuer has no public key: .* is not written/],
];
for (const [when, answers, why] of KEPT) {
  test(`the file stays as it was when ${when}`, async (t) => {
    const [fake, file] = [await fakeServer(answers), place(t)];
    t.after(() => fake.close());
    const { code, stderr } = await runLine([...LINE, '--file', file], fake);
    assert.notEqual(code, 0);
    assert.match(stderr, why);
    assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(dirname(file))], ['before', ['accepted.pub']]);
  });
}

test('a folder that is not there, and what is no file, are refused', async (t) => {
  const file = place(t);
  const lost = await shown(t, '--file', join(dirname(file), 'none', 'accepted.pub'));
  assert.deepEqual([lost.code, /accepted\.pub can not be written \(ENOENT\)/.test(lost.stderr)], [1, true], lost.stderr);
  const folder = await shown(t, '--file', dirname(file));
  assert.deepEqual([folder.code, /is there, and is no file that could be replaced/.test(folder.stderr)], [1, true], folder.stderr);
  assert.deepEqual(readdirSync(dirname(file)), ['accepted.pub']);
});
