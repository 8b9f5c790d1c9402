/**
 * Federated identity credentials: which tokens of which issuer log in as a managed identity (R13).
 *
 * Owns: what a credential may be, and how one is found. Issuer, subject and audience are compared as they are, character
 * by character: nothing is trimmed, folded or normalised, in either direction.
 */
import { MintmarkError } from './errors.ts';
import { bounded } from './resource-bounds.ts';
import { assertResourceName, FEDERATED_CREDENTIAL_TYPE, federatedCredentialId } from './resource-id.ts';
import type { Resource } from './resource.ts';

export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** As it is asked for; what is absent is kept, or the default. */
export interface CredentialRequest {
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  readonly audiences?: readonly string[] | undefined;
}

/** Of each identity. */
export const MOST_CREDENTIALS = 20;
const DEFAULT_AUDIENCE = 'api://AzureADTokenExchange';
const LONGEST = 600;

/** @throws MintmarkError `InvalidRequestContent` naming the member. */
export function readCredential({ issuer, subject, audiences }: CredentialRequest, stored: FederatedCredential | null): FederatedCredential {
  if (audiences !== undefined && audiences.length !== 1) throw refuse('audiences', `A federated credential has exactly one audience, not ${audiences.length}.`);
  const credential = { issuer: issuer ?? stored?.issuer ?? '', subject: subject ?? stored?.subject ?? '', audience: audiences?.[0] ?? stored?.audience ?? DEFAULT_AUDIENCE };
  const fault = issuerFault(credential.issuer);
  if (fault !== null) throw refuse('issuer', `The issuer ${fault}. It is compared with the 'iss' of tokens character by character.`);
  if (!isText(credential.subject)) throw refuse('subject', `The subject has 1 to ${LONGEST} characters. Of a service account it is 'system:serviceaccount:NAMESPACE:NAME'.`);
  if (!isText(credential.audience)) throw refuse('audiences', `The audience has 1 to ${LONGEST} characters.`);
  return credential;
}

/** What is wrong with a URL as the issuer of tokens (OpenID Connect Discovery 1.0, section 3), to follow "The issuer …"; null when nothing is. */
function issuerFault(issuer: string): string | null {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  const faults: readonly (readonly [boolean, string])[] = [
    [issuer === '', 'is missing'],
    [issuer.length > LONGEST, `is longer than ${LONGEST} characters`],
    [!/^[\x21-\x7e]*$/.test(issuer), 'has a space, or characters that are not printable ASCII'],
    [url === null || !/^https:\/\/[^/\\]/.test(issuer), 'is no https URL'],
    [/[?#]/.test(issuer), 'has a query or a fragment'],
    [url !== null && (url.username !== '' || url.password !== ''), 'has a user name or password'],
  ];
  return faults.find(([is]) => is)?.[1] ?? null;
}

const isText = (text: string): boolean => text.length >= 1 && text.length <= LONGEST;

const refuse = (member: string, message: string): MintmarkError => new MintmarkError('InvalidRequestContent', message, { target: `properties.${member}` });

/**
 * The credential as a resource below its identity, made or changed.
 * @throws MintmarkError `OperationNotAllowed` when there would be too many, or two for the same tokens.
 */
export function credentialResource(identity: Resource, name: string, request: CredentialRequest, siblings: readonly Resource[], now: Date): Resource {
  const id = federatedCredentialId(identity.id, assertResourceName(FEDERATED_CREDENTIAL_TYPE, name));
  const stored = siblings.find((one) => one.name.toLowerCase() === name.toLowerCase()) ?? null;
  const { issuer, subject, audience } = readCredential(request, stored === null ? null : credentialOf(stored));
  const others = siblings.filter((one) => one !== stored);
  const twin = others.find((one) => one.properties.issuer === issuer && one.properties.subject === subject);
  if (twin !== undefined) throw new MintmarkError('OperationNotAllowed', `The identity '${identity.name}' has a federated credential for this issuer and subject already: '${twin.name}'. Change that one, or delete it first.`);
  if (others.length >= MOST_CREDENTIALS) throw new MintmarkError('OperationNotAllowed', `The identity '${identity.name}' has ${MOST_CREDENTIALS} federated credentials already, which is the most. Delete one, or use another identity.`);
  const { tenantId, subscriptionId, location } = identity;
  const fresh = { id, type: FEDERATED_CREDENTIAL_TYPE, name, tenantId, subscriptionId, location, tags: {}, envelope: {}, issuerId: null, version: 0, createdAt: now };
  return bounded({ ...(stored ?? fresh), properties: { issuer, subject, audiences: [audience] }, version: (stored?.version ?? 0) + 1, updatedAt: now });
}

/** @throws MintmarkError `StoreCorrupt`. */
export function credentialOf({ id, properties: { issuer, subject, audiences } }: Resource): FederatedCredential {
  const audience: unknown = Array.isArray(audiences) ? audiences[0] : undefined;
  if (typeof issuer === 'string' && typeof subject === 'string' && typeof audience === 'string') return { issuer, subject, audience };
  throw new MintmarkError('StoreCorrupt', `The record of the federated credential ${id} in the store is damaged. Restore it from a backup.`);
}
