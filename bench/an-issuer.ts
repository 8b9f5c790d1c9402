/** One issuer with real keys: what the public host serves in the benchmark. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { DAY } from '../src/domain/durations.ts';
import { type Issuer, issuerPath, renderIssuerUrl } from '../src/domain/issuer.ts';
import type { NewKey, RingChange } from '../src/domain/key-ring-change.ts';
import { birth } from '../src/domain/rotation.ts';

const ID = '3f0c1f6e-6a52-4b0e-9d0c-7b1f3a5d2c10';
const TENANT = '11111111-1111-4111-8111-111111111111';

/** An issuer as the public template gives it, and its ring at rest: two RSA keys of 2048 bits. */
export function issuerWithRing(now: Date): { readonly issuer: Issuer; readonly born: RingChange } {
  const url = renderIssuerUrl('https://{region}.oic.example.com/{tenantId}/{uuid}/', { region: 'eastus', tenantId: TENANT, uuid: ID });
  const issuer: Issuer = { id: ID, tenantId: TENANT, subscriptionId: TENANT, clusterId: '/clusters/bench', url, path: issuerPath(url), region: 'eastus', mode: 'managed', createdAt: now, deletedAt: null };
  const born = birth({ issuerId: ID, epoch: 1, policy: { rotateEvery: 30 * DAY }, gapSeconds: 600 }, newKey(), newKey(), now, { cause: 'birth', actor: 'bench', reason: 'bench' });
  return { issuer, born };
}

function newKey(): NewKey {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const kid = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64url');
  return { kid, algorithm: 'RS256', publicMembers: { n, e }, sealed: new Uint8Array() };
}
