/** Tenants and their subscriptions: paths of ours, for who administers the server or a tenant. */
import { MintmarkError } from '../../../domain/errors.ts';
import { type Subscription, type Tenant, TENANT_TYPE, tenantScope } from '../../../domain/principal.ts';
import type { Tenants } from '../../../service/tenants.ts';
import { listOf, named, type NamedBody, namedRequest } from '../contract.ts';
import { TENANT, TENANT_SUBSCRIPTION, TENANTS } from '../paths.ts';
import { type Route, route } from '../route.ts';

export const tenantRoutes = (tenants: Tenants): readonly Route[] => [
  route({
    method: 'GET', url: TENANTS, access: 'principal', summary: "Lists the tenants that the caller can see: its own, or all with a role at '/'.", replies: { 200: listOf(named) },
    handle: async ({ caller }) => ({ status: 200, body: { value: (await tenants.list(caller)).map(tenantBody) } }),
  }),
  route({
    method: 'PUT', url: TENANT, access: { action: 'tenant/write', on: 'server' }, summary: 'Creates a tenant under a UUID of your choice, or renames it.', body: namedRequest, replies: { 200: named, 201: named },
    async handle({ params, body }) {
      const { tenant, created } = await tenants.put(newId(params.tenantId), body.properties.displayName);
      return { status: created ? 201 : 200, body: tenantBody(tenant) };
    },
  }),
  route({
    method: 'GET', url: TENANT, access: { action: 'tenant/read', on: 'any part of a tenant' }, summary: 'Shows a tenant.', replies: { 200: named },
    handle: async ({ tenant }) => ({ status: 200, body: tenantBody(tenant) }),
  }),
  route({
    method: 'DELETE', url: TENANT, access: { action: 'tenant/delete', on: 'server' }, summary: 'Deletes a tenant without subscriptions, and its principals.', replies: { 204: null },
    async handle({ params }) {
      await tenants.remove(params.tenantId);
      return { status: 204 };
    },
  }),
  route({
    method: 'GET', url: `${TENANT}/subscriptions`, access: { action: 'tenant/read', on: 'any part of a tenant' }, summary: 'Lists the subscriptions of a tenant that the caller can see.', replies: { 200: listOf(named) },
    handle: async ({ caller, tenant }) => ({ status: 200, body: { value: (await tenants.subscriptions(caller, tenant.id)).map(subscriptionBody) } }),
  }),
  route({
    method: 'PUT', url: TENANT_SUBSCRIPTION, access: { action: 'subscription/write', on: 'tenant' }, summary: 'Creates a subscription under a UUID of your choice, or renames it.', body: namedRequest, replies: { 200: named, 201: named },
    async handle({ tenant, params, body }) {
      const { subscription, created } = await tenants.putSubscription(tenant.id, newId(params.subscriptionId), body.properties.displayName);
      return { status: created ? 201 : 200, body: subscriptionBody(subscription) };
    },
  }),
  route({
    method: 'DELETE', url: TENANT_SUBSCRIPTION, access: { action: 'subscription/delete', on: 'subscription of a tenant' }, summary: 'Deletes a subscription without resource groups, and the roles in it.', replies: { 204: null },
    async handle({ tenant, params }) {
      await tenants.removeSubscription(tenant.id, params.subscriptionId);
      return { status: 204 };
    },
  }),
];

/**
 * An id that the caller chooses, so that a repeated PUT makes nothing twice; in lower case.
 * @throws MintmarkError `InvalidResourceName`.
 */
export function newId(text: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new MintmarkError('InvalidResourceName', `'${text.slice(0, 100)}' can not be the id of a tenant, subscription or principal: it is a UUID.`, { target: 'name' });
}

const tenantBody = ({ id, displayName, createdAt }: Tenant): NamedBody => ({ id: tenantScope(id), name: id, type: TENANT_TYPE, properties: { displayName, createdAt: createdAt.toISOString() } });

const subscriptionBody = ({ id, tenantId, displayName, createdAt }: Subscription): NamedBody => ({
  id: `${tenantScope(tenantId)}/subscriptions/${id}`, name: id, type: `${TENANT_TYPE}/subscriptions`, properties: { displayName, createdAt: createdAt.toISOString() },
});
