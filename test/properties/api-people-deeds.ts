/** Tenants, subscriptions, principals, their roles and secrets in random sequences: nobody becomes mightier than who makes them, and an Owner always stays. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { NamedBody, PrincipalBody, SecretReply } from '../../src/http/management/contract.ts';
import { CLUSTER, GROUP, OTHER_SUBSCRIPTION, OTHER_TENANT, SUBSCRIPTION, TENANT } from '../support/management.ts';
import { type Grant, type Layer, type ModelPrincipal, type Role, subscriptionScope, tenantScope, within } from './api-model.ts';
import { deed, FORBIDDEN, INVALID_CONTENT, NEWCOMERS, often, SECOND_SUBSCRIPTION, whoever } from './api-places.ts';
import type { ApiRun } from './api-run.ts';

const THIRD_TENANT = 'cccccccc-0000-4000-8000-000000000001';
const tenant = fc.oneof({ weight: 6, arbitrary: fc.constant(TENANT) }, { weight: 2, arbitrary: fc.constantFrom(OTHER_TENANT, THIRD_TENANT) });
/** Who administers, mostly. */
const admin = fc.oneof({ weight: 3, arbitrary: fc.constantFrom<string | null>('root', 'tenant-owner') }, { weight: 2, arbitrary: whoever });
const displayName = often(fc.constantFrom('One', 'Zwölf'), fc.constantFrom('', 'a\u0007', 'x'.repeat(129)));
const badName = (name: string): boolean => !/^[^\p{Cc}]{1,128}$/u.test(name);
const TENANTS = '/providers/Mintmark.Admin/tenants';

const anonymous = (who: string | null): Layer => [who === null && [401, 'AuthenticationFailed']];
const hiddenTenant = (run: ApiRun, who: string | null, tenantId: string): Layer => [who !== null && !run.model.seesTenant(who, run.tenantOf(who), tenantId) && [404, 'TenantNotFound']];
const lacking = ({ model }: ApiRun, who: string | null, least: Role, id: string, tenantId: string): Layer => [who !== null && !model.may(who, least, id, tenantId) && FORBIDDEN];
const isUuid = (id: string): boolean => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);

/** Owner at every scope at which somebody has, or is to have, a role; of the tenant where there is none. */
const lackingOver = (run: ApiRun, who: string | null, roles: readonly Grant[], tenantId: string): Layer =>
  (roles.length === 0 ? [tenantScope(tenantId)] : roles.map(({ scope }) => scope)).flatMap((scope) => lacking(run, who, 'Owner', scope, tenantId));

const found = ({ model }: ApiRun, tenantId: string, id: string): ModelPrincipal | undefined => {
  const principal = model.principals.get(id);
  return principal?.tenantId === tenantId ? principal : undefined;
};

const tenantDeeds = [
  fc.record({ who: admin, id: often(tenant, fc.constant('not-a-uuid')), displayName }).map(({ who, id, displayName: name }) => deed(`${who}: PUT tenant ${id.slice(0, 4)} '${name.slice(0, 9)}'`, async (run) => {
    const body = { properties: { displayName: name } };
    const reply = await run.ask({ who, method: 'PUT', path: `${TENANTS}/${id}`, body }, anonymous(who), lacking(run, who, 'Owner', '/', ''), [!isUuid(id) && [400, 'InvalidResourceName'], badName(name) && INVALID_CONTENT]);
    if (reply === null) return;
    assert.equal(reply.status, run.model.tenants.has(id) ? 200 : 201);
    run.model.tenants.set(id, name);
    assert.equal(reply.json<NamedBody>().properties.displayName, name);
  })),
  fc.record({ who: admin, id: fc.constantFrom(THIRD_TENANT, OTHER_TENANT, TENANT) }).map(({ who, id }) => deed(`${who}: DELETE tenant ${id.slice(0, 4)}`, async (run) => {
    const { model } = run;
    const owned = [...model.principals].some(([principal, { tenantId }]) => tenantId === id && model.mightyOwners() > 0 && model.mightyOwners(principal) === 0);
    const holds = [...model.subscriptions.values()].some(({ tenantId }) => tenantId === id);
    const reply = await run.ask({ who, method: 'DELETE', path: `${TENANTS}/${id}` }, anonymous(who), lacking(run, who, 'Owner', '/', ''), [!model.tenants.has(id) && [404, 'TenantNotFound']], [(holds || owned) && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    model.tenants.delete(id);
    for (const [principal, { tenantId }] of model.principals) if (tenantId === id) model.principals.delete(principal);
  })),
  fc.record({ who: admin, id: tenant }).map(({ who, id }) => deed(`${who}: read tenant ${id.slice(0, 4)} and lists`, async (run) => {
    const { model } = run;
    const layers = [anonymous(who), hiddenTenant(run, who, id)];
    const shown = await run.ask({ who, method: 'GET', path: `${TENANTS}/${id}` }, ...layers);
    if (shown !== null) assert.equal(shown.json<NamedBody>().properties.displayName, model.tenants.get(id));
    const tenants = await run.ask({ who, method: 'GET', path: TENANTS }, anonymous(who));
    if (tenants !== null) assert.deepEqual(namesIn(tenants.text), [...model.tenants.keys()].filter((one) => model.seesTenant(who!, run.tenantOf(who!), one)).toSorted());
    const subscriptions = await run.ask({ who, method: 'GET', path: `${TENANTS}/${id}/subscriptions` }, ...layers);
    if (subscriptions !== null) assert.deepEqual(namesIn(subscriptions.text), [...model.subscriptions].filter(([one, { tenantId }]) => tenantId === id && model.sees(who!, id, one)).map(([one]) => one).toSorted());
    const mine = await run.ask({ who, method: 'GET', path: '/subscriptions' }, anonymous(who));
    if (mine !== null) assert.deepEqual(mine.json<{ value: { subscriptionId: string }[] }>().value.map(({ subscriptionId }) => subscriptionId).toSorted(), [...model.subscriptions.keys()].filter((one) => model.sees(who!, run.tenantOf(who!), one)).toSorted());
  })),
] as const;

const namesIn = (text: string): readonly string[] => (JSON.parse(text) as { value: { name: string }[] }).value.map(({ name }) => name).toSorted();

const subscription = often(fc.constant(SECOND_SUBSCRIPTION), fc.constantFrom(SUBSCRIPTION, OTHER_SUBSCRIPTION));

const subscriptionDeeds = [
  fc.record({ who: admin, of: tenant, id: often(subscription, fc.constant('not-a-uuid')), displayName }).map(({ who, of, id, displayName: name }) => deed(`${who}: PUT subscription ${id.slice(0, 4)} of ${of.slice(0, 4)} '${name.slice(0, 9)}'`, async (run) => {
    const stored = run.model.subscriptions.get(id);
    const reply = await run.ask({ who, method: 'PUT', path: `${TENANTS}/${of}/subscriptions/${id}`, body: { properties: { displayName: name } } },
      anonymous(who), hiddenTenant(run, who, of), lacking(run, who, 'Owner', tenantScope(of), of), [!isUuid(id) && [400, 'InvalidResourceName'], badName(name) && INVALID_CONTENT], [stored !== undefined && stored.tenantId !== of && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    assert.equal(reply.status, stored === undefined ? 201 : 200);
    run.model.subscriptions.set(id, { tenantId: of, displayName: name });
  })),
  fc.record({ who: admin, of: tenant, id: subscription }).map(({ who, of, id }) => deed(`${who}: DELETE subscription ${id.slice(0, 4)} of ${of.slice(0, 4)}`, async (run) => {
    const { model } = run;
    const full = [...model.groups.values()].some((group) => group.id.startsWith(`/subscriptions/${id}/`));
    const reply = await run.ask({ who, method: 'DELETE', path: `${TENANTS}/${of}/subscriptions/${id}` },
      anonymous(who), hiddenTenant(run, who, of), lacking(run, who, 'Owner', subscriptionScope(id), of), [model.subscriptions.get(id)?.tenantId !== of && [404, 'SubscriptionNotFound']], [full && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    model.subscriptions.delete(id);
    for (const principal of model.principals.values()) principal.roles = principal.roles.filter(({ scope }) => !within(scope, subscriptionScope(id)));
  })),
] as const;

const SCOPES = { subscription: subscriptionScope(SUBSCRIPTION), second: subscriptionScope(SECOND_SUBSCRIPTION), group: GROUP, cluster: CLUSTER, tenant: '', server: '/', elsewhere: subscriptionScope(OTHER_SUBSCRIPTION), nonsense: 'nonsense' } as const;
const roles = fc.uniqueArray(fc.record({ role: fc.constantFrom<Role>('Owner', 'Contributor', 'Reader'), at: often(fc.constantFrom<keyof typeof SCOPES>('subscription', 'group', 'cluster', 'tenant', 'server', 'second'), fc.constantFrom<keyof typeof SCOPES>('elsewhere', 'nonsense')) }), { maxLength: 3, selector: ({ role, at }) => `${role}${at}` });
const newcomer = often(fc.constantFrom<string>(NEWCOMERS[0], NEWCOMERS[0], ...NEWCOMERS), fc.constant('not-a-uuid'));

/** The scope has to be one of this tenant. */
function badScope({ model }: ApiRun, scope: string, tenantId: string): boolean {
  if (scope === '/' || scope === tenantScope(tenantId)) return false;
  return model.subscriptions.get(/^\/subscriptions\/([^/]+)/.exec(scope)?.[1] ?? '')?.tenantId !== tenantId;
}

const rolesShown = (grants: readonly Grant[]): readonly string[] => grants.map(({ role, scope }) => `${role} ${scope}`).toSorted();

/** Whether the server would be left without an Owner that can log in. */
const leavesNoOwner = ({ model }: ApiRun, id: string, staysOwner: boolean): boolean => !staysOwner && model.mightyOwners() > 0 && model.mightyOwners(id) === 0;

const principalDeeds = [
  fc.record({ who: admin, of: tenant, id: newcomer, displayName, roles }).map(({ who, of, id, displayName: name, roles: given }) => deed(`${who}: PUT principal ${id.slice(-4)} of ${of.slice(0, 4)} ${JSON.stringify(given)}`, async (run) => {
    const grants = given.map(({ role, at }): Grant => ({ role, scope: at === 'tenant' ? tenantScope(of) : SCOPES[at] }));
    const taken = run.model.principals.get(id);
    const stored = found(run, of, id);
    const mighty = grants.some(({ role, scope }) => role === 'Owner' && scope === '/') && (stored?.secrets.length ?? 0) > 0;
    const reply = await run.ask({ who, method: 'PUT', path: `${TENANTS}/${of}/principals/${id}`, body: { properties: { displayName: name, roleAssignments: grants } } },
      anonymous(who), hiddenTenant(run, who, of), [!isUuid(id) && [400, 'InvalidResourceName'], badName(name) && INVALID_CONTENT], [grants.some(({ scope }) => badScope(run, scope, of)) && INVALID_CONTENT],
      lackingOver(run, who, grants, of), [taken !== undefined && stored === undefined && [409, 'OperationNotAllowed']], stored === undefined ? [] : lackingOver(run, who, stored.roles, of), [leavesNoOwner(run, id, mighty) && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    assert.equal(reply.status, stored === undefined ? 201 : 200);
    run.model.principals.set(id, { tenantId: of, displayName: name, roles: grants, secrets: stored?.secrets ?? [] });
    assert.deepEqual(rolesShown(reply.json<PrincipalBody>().properties.roleAssignments), rolesShown(grants));
  })),
  fc.record({ who: admin, of: tenant, id: newcomer }).map(({ who, of, id }) => deed(`${who}: read principal ${id.slice(-4)} of ${of.slice(0, 4)} and list`, async (run) => {
    const { model } = run;
    const reads = ({ roles: held }: ModelPrincipal): boolean => [tenantScope(of), ...held.map(({ scope }) => scope)].some((scope) => model.may(who!, 'Reader', scope, of));
    const stored = found(run, of, id);
    const layers = [anonymous(who), hiddenTenant(run, who, of)];
    const reply = await run.ask({ who, method: 'GET', path: `${TENANTS}/${of}/principals/${id}` }, ...layers, [stored === undefined && [404, 'ResourceNotFound']], [who !== null && stored !== undefined && !reads(stored) && FORBIDDEN]);
    if (reply !== null) {
      const { roleAssignments, secrets } = reply.json<PrincipalBody>().properties;
      assert.deepEqual([rolesShown(roleAssignments), secrets.map(({ secretId }) => secretId)], [rolesShown(stored!.roles), stored!.secrets]);
    }
    const listed = await run.all<PrincipalBody>({ who, path: `${TENANTS}/${of}/principals` }, 2, ...layers);
    if (listed !== null) assert.deepEqual(listed.map(({ name }) => name).toSorted(), [...model.principals].filter(([, principal]) => principal.tenantId === of && reads(principal)).map(([name]) => name).toSorted());
  })),
  fc.oneof(fc.record({ who: admin, of: tenant, id: newcomer }), fc.record({ who: fc.constant<string | null>('root'), of: fc.constant(OTHER_TENANT), id: fc.constant('root') })).map(({ who, of, id }) => deed(`${who}: DELETE principal ${id.slice(-4)} of ${of.slice(0, 4)}`, async (run) => {
    const stored = found(run, of, id);
    const reply = await run.ask({ who, method: 'DELETE', path: `${TENANTS}/${of}/principals/${id}` }, anonymous(who), hiddenTenant(run, who, of), [stored === undefined && [404, 'ResourceNotFound']], lackingOver(run, who, stored?.roles ?? [], of), [leavesNoOwner(run, id, false) && [409, 'OperationNotAllowed']]);
    if (reply !== null) run.model.principals.delete(id);
  })),
] as const;

const secretDeeds = [
  fc.record({ who: admin, id: newcomer, append: fc.boolean() }).map(({ who, id, append }) => deed(`${who}: resetSecret ${id.slice(-4)} ${append ? 'append' : ''}`, async (run) => {
    const stored = found(run, TENANT, id);
    const reply = await run.ask({ who, method: 'POST', path: `${TENANTS}/${TENANT}/principals/${id}/resetSecret`, body: { append } },
      anonymous(who), hiddenTenant(run, who, TENANT), [stored === undefined && [404, 'ResourceNotFound']], lackingOver(run, who, stored?.roles ?? [], TENANT), [append && stored?.secrets.length === 2 && [409, 'OperationNotAllowed']]);
    if (reply === null) return;
    const { secretId, clientSecret } = reply.json<SecretReply>();
    run.model.firstSeen(`secret ${clientSecret}`);
    run.model.principals.set(id, { ...stored!, secrets: append ? [...stored!.secrets, secretId] : [secretId] });
  })),
  fc.record({ who: admin, id: newcomer, which: fc.nat(1) }).map(({ who, id, which }) => deed(`${who}: DELETE secret ${which} of ${id.slice(-4)}`, async (run) => {
    const stored = found(run, TENANT, id);
    const secretId = stored?.secrets[which] ?? 'none';
    const reply = await run.ask({ who, method: 'DELETE', path: `${TENANTS}/${TENANT}/principals/${id}/secrets/${secretId}` },
      anonymous(who), hiddenTenant(run, who, TENANT), [stored === undefined && [404, 'ResourceNotFound']], lackingOver(run, who, stored?.roles ?? [], TENANT), [secretId === 'none' ? [404, 'ResourceNotFound'] : stored?.secrets.length === 1 && [409, 'OperationNotAllowed']]);
    if (reply !== null) run.model.principals.set(id, { ...stored!, secrets: stored!.secrets.filter((one) => one !== secretId) });
  })),
] as const;

export const PEOPLE_DEEDS = [
  ...tenantDeeds.map((arbitrary) => ({ weight: 1, arbitrary })), ...subscriptionDeeds.map((arbitrary) => ({ weight: 2, arbitrary })),
  ...principalDeeds.map((arbitrary, index) => ({ weight: [6, 2, 1][index]!, arbitrary })), ...secretDeeds.map((arbitrary) => ({ weight: 1, arbitrary })),
];
