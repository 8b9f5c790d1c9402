import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { pinOf } from './certificate-pin.ts';
import { createAuthority, createServerCertificate } from './private-ca.ts';

const authority = await createAuthority('pin test', new Date());
const { certificate: chain } = await createServerCertificate(authority, ['localhost'], new Date());
const leaf = chain.split(/(?<=-----END CERTIFICATE-----)/)[0]!;
const authorityPin = createHash('sha256').update(new X509Certificate(authority.certificate).raw).digest('hex');

test('a chain is pinned by the authority that ends it, and only if that is in it', () => {
  assert.deepEqual([pinOf(chain), pinOf(authority.certificate), pinOf(leaf), pinOf('')], [authorityPin, authorityPin, null, null]);
});

test('another certificate of the same authority has the same pin', async () => {
  assert.equal(pinOf((await createServerCertificate(authority, ['other'], new Date())).certificate), authorityPin);
});
