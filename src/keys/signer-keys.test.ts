import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { publicKeyOfJwk, thumbprint } from './public-jwk.ts';
import { SIGNER_KEYS_FILE, SignerKeys } from './signer-keys.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-signer-keys-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, 'state');
}
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('keys are kept in one file, for its owner only, and come back as they were', async (t) => {
  const dir = folder(t);
  assert.equal(await SignerKeys.load(dir), null);
  const keys = SignerKeys.generate();
  await keys.save(dir);
  assert.deepEqual([mode(dir), readdirSync(dir), mode(join(dir, SIGNER_KEYS_FILE))], ['700', [SIGNER_KEYS_FILE], '600']);
  const again = await SignerKeys.load(dir);
  assert.deepEqual([again!.assertionJwk, again!.encryptionJwk], [keys.assertionJwk, keys.encryptionJwk]);
  assert.notDeepEqual(keys.assertionJwk, keys.encryptionJwk);
});

test('no two signers have the same keys', () => {
  const made = [SignerKeys.generate(), SignerKeys.generate()].flatMap(({ assertionJwk, encryptionJwk }) => [assertionJwk.x, encryptionJwk.x]);
  assert.equal(new Set(made).size, 4);
});

const damages: readonly (readonly [string, (dir: string) => void, RegExp])[] = [
  ['a file that others can read', (dir) => chmodSync(join(dir, SIGNER_KEYS_FILE), 0o640), /can be read by others.+chmod 600/],
  ['a folder that others can look into', (dir) => chmodSync(dir, 0o750), /open to others.+chmod 700/],
  ['a file that is cut off', (dir) => writeFileSync(join(dir, SIGNER_KEYS_FILE), '{"form":"mintmark-sig'), /not in the form/],
  ['a file of another form', (dir) => writeFileSync(join(dir, SIGNER_KEYS_FILE), '{"form":"x"}'), /not in the form/],
  ['a file without keys', (dir) => writeFileSync(join(dir, SIGNER_KEYS_FILE), '{"form":"mintmark-signer-keys+1","assertion":"-----BEGIN secret","decryption":"y"}'), /not in the form/],
];
for (const [what, damage, why] of damages) {
  test(`${what} is refused, and nothing of it is told`, async (t) => {
    const dir = folder(t);
    await SignerKeys.generate().save(dir);
    damage(dir);
    await assert.rejects(SignerKeys.load(dir), (error: Error) => {
      assert.match(error.message, why);
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /BEGIN|secret/);
      return true;
    });
  });
}

test('keys are not saved where others can look', async (t) => {
  const dir = folder(t);
  await SignerKeys.generate().save(dir);
  chmodSync(dir, 0o755);
  await assert.rejects(SignerKeys.generate().save(dir), { code: 'InvalidConfiguration' });
});

test('a thumbprint is that of RFC 7638, and of points of the curve only', async () => {
  const { assertionJwk } = SignerKeys.generate();
  assert.equal(thumbprint(assertionJwk), await calculateJwkThumbprint(assertionJwk));
  assert.notEqual(publicKeyOfJwk(assertionJwk), null);
  assert.equal(publicKeyOfJwk({ ...assertionJwk, y: assertionJwk.x }), null);
  assert.equal(publicKeyOfJwk({ ...assertionJwk, x: `${assertionJwk.x}=` }), null);
  assert.equal(publicKeyOfJwk({ ...assertionJwk, crv: 'P-384' as 'P-256' }), null);
});
