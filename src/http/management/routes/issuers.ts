/** The issuer of a managed cluster: its URL, keys, calendar, history and rotation policy; and all issuers of a subscription. */
import { keyByKid } from '../../../domain/key-ring.ts';
import type { Clusters } from '../../../service/clusters.ts';
import type { Issuers } from '../../../service/issuers.ts';
import type { KeyRings } from '../../../service/key-rings.ts';
import { issuer, issuerSummary, key, keyEvent, listOf, rotationPolicy, rotationPolicyRequest } from '../contract.ts';
import { issuerBody, keyBodies, keyEventBody, rotationPolicyBody } from '../issuer-body.ts';
import { issuerListQuery, listIssuers } from '../issuer-list.ts';
import { listBody, pageOf, pageQuery } from '../paging.ts';
import { ISSUER, SUBSCRIPTION } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';
import { addressOf } from './managed-clusters.ts';

const READ = { action: 'issuer/read', on: 'managed cluster' } as const;

interface IssuerDeps {
  readonly clusters: Clusters;
  readonly issuers: Issuers;
  readonly keyRings: KeyRings;
}

export const issuerRoutes = (deps: IssuerDeps, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: `${SUBSCRIPTION}/providers/Mintmark.Oidc/issuers`, access: { action: 'issuer/read', on: 'subscription' },
    summary: "Lists a subscription's issuers. $filter: location eq '…', resourceGroup eq '…', joined by 'and'. $orderby: name or nextRotationAt, asc or desc; of at most 1000 issuers.",
    query: issuerListQuery, replies: { 200: listOf(issuerSummary) },
    handle: async (asked) => ({ status: 200, body: await listIssuers({ ...deps, managementUrl }, asked) }),
  }),
  ...oneIssuerRoutes(deps, managementUrl),
  ...rotationPolicyRoutes(deps),
];

type Place = Pick<Asked<typeof ISSUER>, 'caller' | 'subscription' | 'params'>;

async function find({ clusters, issuers }: IssuerDeps, asked: Place) {
  const { cluster } = await clusters.get(addressOf(asked));
  return { cluster, view: await issuers.view(cluster) };
}

/** What one issuer is and was. */
const oneIssuerRoutes = (deps: IssuerDeps, managementUrl: string): readonly Route[] => [
  route({
    method: 'GET', url: ISSUER, access: READ, summary: 'Shows an issuer: URL, keys, calendar, and what it waits for.', replies: { 200: issuer },
    async handle(asked) {
      const { cluster, view } = await find(deps, asked);
      return { status: 200, body: issuerBody(cluster, view) };
    },
  }),
  route({
    method: 'GET', url: `${ISSUER}/keys`, access: READ, summary: 'Lists the keys of an issuer, revoked ones included until their tokens have ended.', replies: { 200: listOf(key) },
    handle: async (asked) => ({ status: 200, body: { value: keyBodies((await find(deps, asked)).view) } }),
  }),
  route({
    method: 'GET', url: `${ISSUER}/keys/:kid`, access: READ, summary: 'Shows one key.', replies: { 200: key },
    async handle(asked) {
      const { view } = await find(deps, asked);
      const { kid } = keyByKid(view.ring, asked.params.kid);
      return { status: 200, body: keyBodies(view).find((one) => one.kid === kid) };
    },
  }),
  route({
    method: 'GET', url: `${ISSUER}/events`, access: READ, summary: 'Lists what happened to the keys, newest first.', query: pageQuery, replies: { 200: listOf(keyEvent) },
    async handle(asked) {
      const { cluster } = await deps.clusters.get(addressOf(asked));
      return { status: 200, body: listBody(managementUrl, asked, await deps.issuers.events(cluster, pageOf(asked.query)), keyEventBody) };
    },
  }),
];

/** How often the keys rotate by themselves. */
const rotationPolicyRoutes = (deps: IssuerDeps): readonly Route[] => [
  route({
    method: 'GET', url: `${ISSUER}/rotationPolicy`, access: READ, summary: 'Shows how often the keys rotate by themselves.', replies: { 200: rotationPolicy },
    async handle(asked) {
      const { cluster, view } = await find(deps, asked);
      return { status: 200, body: rotationPolicyBody(cluster, view) };
    },
  }),
  route({
    method: 'PUT', url: `${ISSUER}/rotationPolicy`, access: { action: 'issuer/setPolicy', on: 'managed cluster' }, summary: 'Sets how often the keys rotate by themselves: 2 to 365 days, or null for never.',
    body: rotationPolicyRequest, replies: { 200: rotationPolicy },
    async handle(asked) {
      const { cluster } = await deps.clusters.get(addressOf(asked));
      await deps.keyRings.setPolicy(asked.caller, cluster, { rotateEvery: asked.body.properties.rotateEverySeconds });
      return { status: 200, body: rotationPolicyBody(cluster, await deps.issuers.view(cluster)) };
    },
  }),
];
