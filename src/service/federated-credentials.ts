/**
 * Federated credentials of managed identities: who may log in as one.
 *
 * Whoever writes a credential can make itself that identity. So it has to have every role of the identity itself, at the
 * same scope or above, which is looked at in the transaction that writes. Leaves the rules of a credential to
 * `domain/federated-credential.ts`, the login to `federation.ts`.
 */
import { MintmarkError } from '../domain/errors.ts';
import { credentialOf, credentialResource, type CredentialRequest } from '../domain/federated-credential.ts';
import { issuerPath } from '../domain/issuer.ts';
import { identityIds } from '../domain/managed-identity.ts';
import { assertHasRolesOf } from '../domain/principal.ts';
import { federatedCredentialId, resourceKey } from '../domain/resource-id.ts';
import { assertPrecondition, changes, type Precondition, type Resource } from '../domain/resource.ts';
import type { Bearer } from '../keys/access-token.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import { credentialsOf, existingIdentity, type IdentityAddress } from './identities.ts';

export interface WrittenCredential {
  readonly credential: Resource;
  readonly created: boolean;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

/** Each throws MintmarkError `ResourceNotFound`, `ResourceGroupNotFound` where there is no such identity. */
export interface FederatedCredentials {
  /** All of an identity, by name. */
  list(at: IdentityAddress): Promise<readonly Resource[]>;
  /** @throws MintmarkError `ResourceNotFound`. */
  get(at: IdentityAddress, name: string): Promise<Resource>;
  /** @throws MintmarkError `AuthorizationFailed` for a bearer that lacks a role of the identity, `PreconditionFailed`, and what the domain refuses. */
  put(bearer: Bearer, at: IdentityAddress, name: string, request: CredentialRequest, precondition: Precondition): Promise<WrittenCredential>;
  /** False when there is no such credential. @throws MintmarkError `PreconditionFailed`. */
  remove(at: IdentityAddress, name: string, precondition: Precondition): Promise<boolean>;
}

export function createFederatedCredentials(store: Store): FederatedCredentials {
  return {
    list: (at) => store.read(async (tx) => credentialsOf(tx, await existingIdentity(tx, at))),
    get: (at, name) => store.read(async (tx) => {
      const identity = await existingIdentity(tx, at);
      const credential = await tx.resource(federatedCredentialId(identity.id, name));
      if (credential === null) throw new MintmarkError('ResourceNotFound', `The identity '${identity.name}' has no federated credential '${name.slice(0, 120)}'.`);
      return credential;
    }),
    put: (bearer, at, name, request, precondition) => store.write((tx) => putCredential(tx, bearer, at, name, request, precondition)),
    remove: (at, name, precondition) => store.write(async (tx) => {
      const { id } = await existingIdentity(tx, at);
      const stored = await tx.resource(federatedCredentialId(id, name));
      assertPrecondition(precondition, stored);
      return stored !== null && tx.deleteResource(stored.id);
    }),
  };
}

async function putCredential(tx: StoreWriter, { principalId, tenantId }: Bearer, at: IdentityAddress, name: string, request: CredentialRequest, precondition: Precondition): Promise<WrittenCredential> {
  const identity = await existingIdentity(tx, at);
  assertHasRolesOf(principalId, await tx.roleAssignments(principalId), await tx.roleAssignments(identityIds(identity).principalId), tenantId);
  const siblings = await credentialsOf(tx, identity);
  const stored = siblings.find(({ id }) => resourceKey(id) === resourceKey(federatedCredentialId(identity.id, name))) ?? null;
  assertPrecondition(precondition, stored);
  const credential = credentialResource(identity, name, request, siblings, tx.now);
  const isNew = stored === null || changes(stored, credential);
  if (isNew) await tx.putResource(credential);
  return { credential: isNew ? credential : stored, created: stored === null, warnings: await slashWarnings(tx, credentialOf(credential).issuer) };
}

/** The one mistake that this server can see: an issuer of its own, with the slash at its end left out. */
async function slashWarnings(tx: StoreReader, issuer: string): Promise<readonly string[]> {
  const [withSlash, itself] = [`${issuer}/`, await tx.issuerByPath(issuerPath(issuer))];
  if (itself?.url === issuer || (await tx.issuerByPath(issuerPath(withSlash)))?.url !== withSlash) return [];
  return [`This server has an issuer '${withSlash}', with a slash at the end, and none without: tokens of that one do not match this credential.`];
}
