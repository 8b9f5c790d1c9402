/** Federated credentials of a managed identity: which tokens log in as it. */
import { credentialOf } from '../../../domain/federated-credential.ts';
import { eTagOf, type Resource } from '../../../domain/resource.ts';
import type { FederatedCredentials } from '../../../service/federated-credentials.ts';
import { listOf } from '../contract.ts';
import { federatedCredential, type FederatedCredentialBody, federatedCredentialRequest } from '../identity-contract.ts';
import { FEDERATED_CREDENTIAL, MANAGED_IDENTITY } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { identityAddressOf } from './identities.ts';

const READ = { action: 'resource/read', on: 'managed identity' } as const;

export const federatedCredentialRoutes = (credentials: FederatedCredentials): readonly Route[] => [
  route({
    method: 'GET', url: `${MANAGED_IDENTITY}/federatedIdentityCredentials`, access: READ, summary: 'Lists the federated credentials of a managed identity.', replies: { 200: listOf(federatedCredential) },
    handle: async (asked) => ({ status: 200, body: { value: (await credentials.list(identityAddressOf(asked))).map(credentialBody) } }),
  }),
  route({
    method: 'PUT', url: FEDERATED_CREDENTIAL, access: { action: 'resource/write', on: 'managed identity' },
    summary: 'Creates or updates a federated credential; needs every role that the identity has.', body: federatedCredentialRequest, replies: { 200: federatedCredential, 201: federatedCredential },
    async handle(asked) {
      const { issuer, subject, audiences } = asked.body.properties;
      const request = { issuer: issuer ?? undefined, subject: subject ?? undefined, audiences: audiences ?? undefined };
      const { credential, created, warnings } = await credentials.put(asked.caller, identityAddressOf(asked), asked.params.credential, request, asked.precondition);
      return { status: created ? 201 : 200, body: credentialBody(credential), warnings };
    },
  }),
  route({
    method: 'GET', url: FEDERATED_CREDENTIAL, access: READ, summary: 'Shows a federated credential.', replies: { 200: federatedCredential },
    handle: async (asked) => ({ status: 200, body: credentialBody(await credentials.get(identityAddressOf(asked), asked.params.credential)) }),
  }),
  route({
    method: 'DELETE', url: FEDERATED_CREDENTIAL, access: { action: 'resource/delete', on: 'managed identity' },
    summary: 'Deletes a federated credential: its tokens log in no more.', replies: { 200: null, 204: null },
    handle: async (asked) => ({ status: (await credentials.remove(identityAddressOf(asked), asked.params.credential, asked.precondition)) ? 200 : 204 }),
  }),
];

function credentialBody(stored: Resource): FederatedCredentialBody {
  const { issuer, subject, audience } = credentialOf(stored);
  return { id: stored.id, name: stored.name, type: stored.type, eTag: eTagOf(stored), properties: { issuer, subject, audiences: [audience] } };
}
