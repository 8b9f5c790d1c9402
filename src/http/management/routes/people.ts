/** Principals of a tenant, their roles and secrets. The answer of `resetSecret` is the only one that tells a secret. */
import { TENANT_TYPE, tenantScope } from '../../../domain/principal.ts';
import type { People, Person } from '../../../service/people.ts';
import { listOf, principal, type PrincipalBody, principalRequest, resetSecretRequest, secretReply } from '../contract.ts';
import { listBody, pageOf, pageQuery } from '../paging.ts';
import { PRINCIPAL, SECRET, TENANT } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { newId } from './tenants.ts';

const NO_STORE = { 'cache-control': 'no-store' } as const;
const WRITE = { action: 'principal/write', on: 'any part of a tenant' } as const;
const RESET = { action: 'principal/resetSecret', on: 'any part of a tenant' } as const;

export const peopleRoutes = (people: People, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: `${TENANT}/principals`, access: { action: 'principal/read', on: 'any part of a tenant' }, summary: 'Lists the principals of a tenant of which the caller may read a role.',
    query: pageQuery, replies: { 200: listOf(principal) },
    handle: async (asked) => ({ status: 200, body: listBody(managementUrl, asked, await people.list(asked.caller, asked.tenant.id, pageOf(asked.query)), principalBody) }),
  }),
  route({
    method: 'PUT', url: PRINCIPAL, access: WRITE, summary: 'Creates a principal under a UUID of your choice, without a secret, or replaces its name and roles.', body: principalRequest,
    replies: { 200: principal, 201: principal },
    async handle({ caller, tenant, params, body: { properties } }) {
      const { created, ...person } = await people.put(caller, tenant.id, newId(params.principalId), { displayName: properties.displayName, roles: properties.roleAssignments });
      return { status: created ? 201 : 200, body: principalBody(person) };
    },
  }),
  route({
    method: 'GET', url: PRINCIPAL, access: { action: 'principal/read', on: 'any part of a tenant' }, summary: 'Shows a principal with its roles.', replies: { 200: principal },
    handle: async ({ caller, tenant, params }) => ({ status: 200, body: principalBody(await people.get(caller, tenant.id, params.principalId)) }),
  }),
  route({
    method: 'DELETE', url: PRINCIPAL, access: { action: 'principal/delete', on: 'any part of a tenant' }, summary: 'Deletes a principal and its roles.', replies: { 204: null },
    async handle({ caller, tenant, params }) {
      await people.remove(caller, tenant.id, params.principalId);
      return { status: 204 };
    },
  }),
  route({
    method: 'POST', url: `${PRINCIPAL}/resetSecret`, access: RESET, summary: 'Makes a secret and tells it once: in place of all others, or with append beside one.', body: resetSecretRequest.nullish(), replies: { 200: secretReply },
    async handle({ caller, tenant, params, body }) {
      const { principal: { id, tenantId }, secret, clientSecret } = await people.resetSecret(caller, tenant.id, params.principalId, body?.append ?? false);
      return { status: 200, headers: NO_STORE, body: { clientId: id, tenantId, secretId: secret.id, clientSecret, createdAt: secret.createdAt.toISOString() } };
    },
  }),
  route({
    method: 'DELETE', url: SECRET, access: RESET, summary: 'Deletes one of two secrets.', replies: { 204: null },
    async handle({ caller, tenant, params }) {
      await people.removeSecret(caller, tenant.id, params.principalId, params.secretId);
      return { status: 204 };
    },
  }),
];

const principalBody = ({ principal: { id, tenantId, displayName, createdAt, secrets }, roles }: Person): PrincipalBody => ({
  id: `${tenantScope(tenantId)}/principals/${id}`, name: id, type: `${TENANT_TYPE}/principals`,
  properties: {
    clientId: id, tenantId, displayName, createdAt: createdAt.toISOString(),
    roleAssignments: roles.map(({ role, scope }) => ({ role, scope })),
    secrets: secrets.map((secret) => ({ secretId: secret.id, createdAt: secret.createdAt.toISOString(), firstUsedAt: secret.usedAt?.toISOString() ?? null })),
  },
});
