/**
 * Login by the token of another issuer: finds the managed identity, the credential that names the token, and the key of
 * the issuer, and believes nothing before the signature is verified.
 *
 * Keys of issuers of this server are those of the ring in the store at this very moment, so a revoked key and a deleted
 * cluster count at once; those of others come from `foreign-issuers.ts`. Subject and audience are judged, and told, only
 * to who holds a token that its issuer has signed. An assertion may be shown again until its end, as real clients do.
 */
import { compactVerify } from 'jose';
import type { AlgorithmName, PublicMembers } from '../domain/algorithms.ts';
import { assertInTime, type ClientAssertion, readAssertion, refusedAssertion, shown } from '../domain/client-assertion.ts';
import { credentialOfAssertion, credentialsOfIssuer } from '../domain/credential-match.ts';
import { MintmarkError } from '../domain/errors.ts';
import { credentialOf, type FederatedCredential } from '../domain/federated-credential.ts';
import { type Issuer, issuerPath } from '../domain/issuer.ts';
import { type KeyRing, publishedKeys } from '../domain/key-ring.ts';
import { identityIds, isEnabled } from '../domain/managed-identity.ts';
import type { Resource } from '../domain/resource.ts';
import type { Bearer } from '../keys/access-token.ts';
import { publicKeyOf } from '../keys/generate.ts';
import type { Store, StoreReader } from '../store/store.ts';
import { type ForeignIssuers, keyNotFound } from './foreign-issuers.ts';
import { credentialsOf } from './identities.ts';

export interface AssertionCredentials {
  readonly tenantId: string;
  readonly clientId: string;
  /** A JWT of another issuer, as it was sent. */
  readonly assertion: string;
}

/** Whom an assertion logs in, and by which of the identity's credentials. */
export interface Proven {
  readonly bearer: Bearer;
  readonly by: FederatedCredential;
}

export interface Federation {
  /** @throws MintmarkError `InvalidClientAssertion`, `ForeignIssuerUnavailable`. */
  verify(credentials: AssertionCredentials): Promise<Proven>;
  /** Whether an access token of this bearer, which names an identity, still counts. */
  isCurrent(bearer: Bearer): Promise<boolean>;
}

/** An issuer of this server; `ring` null where it has none any more. */
interface OwnIssuer {
  readonly issuer: Issuer;
  readonly ring: KeyRing | null;
}

export function createFederation(store: Store, foreign: ForeignIssuers): Federation {
  async function keyOf(assertion: ClientAssertion, own: OwnIssuer | null): Promise<PublicMembers> {
    return own === null ? foreign.key(assertion.issuer, assertion) : ownKey(own, assertion, store.now());
  }

  return {
    async verify({ tenantId, clientId, assertion: token }) {
      const assertion = readAssertion(token);
      const { trusted, own } = await store.read(async (tx) => ({ trusted: await trustOf(tx, tenantId, clientId), own: await ownIssuer(tx, assertion.issuer) }));
      credentialsOfIssuer(trusted.credentials, assertion);
      assertInTime(assertion, store.now());
      await assertSigned(token, assertion.algorithm, await keyOf(assertion, own));
      // To ask a foreign issuer takes its time, in which a credential can go.
      const { identity, credentials } = await store.read((tx) => trustOf(tx, tenantId, clientId));
      const by = credentialOfAssertion(credentialsOfIssuer(credentials, assertion), assertion);
      return { bearer: { principalId: identityIds(identity).principalId, tenantId, managedIdentity: { clientId: identityIds(identity).clientId, resourceId: identity.id } }, by };
    },
    isCurrent: async ({ principalId, tenantId, managedIdentity }) => {
      const identity = await store.read((tx) => tx.identityByPrincipalId(principalId));
      return identity !== null && identity.tenantId === tenantId && identity.id === managedIdentity?.resourceId && isEnabled(identity);
    },
  };
}

/** The identity of a client id, and whom it trusts. */
async function trustOf(tx: StoreReader, tenantId: string, clientId: string): Promise<{ readonly identity: Resource; readonly credentials: readonly FederatedCredential[] }> {
  const identity = await tx.identityByClientId(clientId);
  if (identity === null || identity.tenantId !== tenantId) throw refusedAssertion(700016, `Application with identifier ${shown(clientId)} was not found ${tenantId === '' ? 'on this server' : `in the tenant ${tenantId}`}. An assertion logs in a managed identity, by its client id: az identity show --query clientId`);
  if (!isEnabled(identity)) throw refusedAssertion(7000112, `Application ${shown(clientId)} is disabled: somebody has set 'accountEnabled' of the managed identity to false.`);
  return { identity, credentials: (await credentialsOf(tx, identity)).map(credentialOf) };
}

/** The issuer with exactly this URL, deleted or not. */
async function ownIssuer(tx: StoreReader, url: string): Promise<OwnIssuer | null> {
  const issuer = URL.canParse(url) ? await tx.issuerByPath(issuerPath(url)) : null;
  return issuer?.url === url ? { issuer, ring: await tx.keyRing(issuer.id) } : null;
}

/** As the JWKS of the issuer has it now. */
function ownKey({ issuer, ring }: OwnIssuer, { kid, algorithm }: ClientAssertion, now: Date): PublicMembers {
  if (issuer.deletedAt !== null || ring === null) throw new MintmarkError('ForeignIssuerUnavailable', `AADSTS90061: The issuer ${shown(issuer.url)} was deleted with its cluster, and none of its tokens counts here any more.`);
  const key = publishedKeys(ring, now).find((one) => one.kid === kid && one.algorithm === algorithm);
  if (key === undefined) throw keyNotFound(issuer.url, kid);
  return key.publicMembers;
}

async function assertSigned(token: string, algorithm: AlgorithmName, members: PublicMembers): Promise<void> {
  try {
    await compactVerify(token, publicKeyOf(algorithm, members), { algorithms: [algorithm] });
  } catch {
    // Whatever the reason, and it is a stranger's: nothing of it is repeated.
    throw refusedAssertion(700027, 'The client assertion failed signature validation: it was not signed with the key of its issuer that it names, or that key is too weak.');
  }
}
