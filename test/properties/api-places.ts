/** Where the deeds of a random sequence happen and who does them: names in many spellings, good and bad, and what the guard says of each. */
import * as fc from 'fast-check';
import { OTHER_SUBSCRIPTION, SUBSCRIPTION } from '../support/management.ts';
import { type Layer, type ModelCluster, type ModelResource, type Refusal, type Role, subscriptionScope } from './api-model.ts';
import type { ApiRun } from './api-run.ts';

export interface Deed {
  readonly name: string;
  run(run: ApiRun): Promise<void>;
}

/** A deed as it is shown in a counterexample. */
export const deed = (name: string, run: Deed['run']): Deed => Object.assign({ name, run }, { toString: () => name });

/** Principals that sequences make, change and take away. */
export const NEWCOMERS = ['aaaaaaaa-0000-4000-8000-000000000001', 'aaaaaaaa-0000-4000-8000-000000000002', 'aaaaaaaa-0000-4000-8000-000000000003'] as const;
export const SECOND_SUBSCRIPTION = 'bbbbbbbb-0000-4000-8000-000000000001';

export const often = <T>(good: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>): fc.Arbitrary<T> => fc.oneof({ weight: 19, arbitrary: good }, { weight: 1, arbitrary: seldom });
export const mostly = <T>(good: fc.Arbitrary<T>, sometimes: fc.Arbitrary<T>): fc.Arbitrary<T> => fc.oneof({ weight: 6, arbitrary: good }, { weight: 1, arbitrary: sometimes });

/** Mostly somebody who may. */
export const whoever: fc.Arbitrary<string | null> = fc.oneof(
  { weight: 14, arbitrary: fc.constantFrom<string | null>('owner', 'tenant-owner') },
  { weight: 4, arbitrary: fc.constantFrom<string | null>('contributor', 'reader', ...NEWCOMERS) },
  { weight: 2, arbitrary: fc.constantFrom<string | null>('group-reader', 'nobody', 'stranger', 'root', null) },
);
const SPELLINGS = { plain: (word: string) => word, lower: (word: string) => word.toLowerCase(), upper: (word: string) => word.toUpperCase() } as const;
export const spelling = fc.constantFrom(...(Object.keys(SPELLINGS) as (keyof typeof SPELLINGS)[]));

export interface Place {
  readonly who: string | null;
  readonly subscription: string;
  readonly group: string;
  readonly cluster: string;
  readonly spelling: keyof typeof SPELLINGS;
}

export const place: fc.Arbitrary<Place> = fc.record({
  who: whoever,
  subscription: often(fc.constant(SUBSCRIPTION), fc.constantFrom(SECOND_SUBSCRIPTION, OTHER_SUBSCRIPTION)),
  group: often(fc.constantFrom('myGroup', 'myGroup', 'MYGROUP', 'MYGROUP', 'other'), fc.constantFrom('no.', 'a%20b')),
  cluster: often(fc.constantFrom('myCluster', 'mycluster', 'MyCluster', 'second'), fc.constantFrom('-no', 'a%2Fb')),
  spelling,
});

export const shown = ({ who, subscription, group, cluster, spelling: spelt }: Place, ...parts: readonly ('group' | 'cluster')[]): string =>
  [who ?? 'anonymous', subscription.slice(0, 4), ...(parts.length > 0 ? [group] : []), ...(parts.includes('cluster') ? [cluster] : []), ...(spelt === 'plain' ? [] : [spelt])].join('/');

/** The words of the path in the spelling of the place, the names as they are. */
export function pathOf({ subscription, group, cluster, spelling: spelt }: Place, to: 'subscription' | 'group' | 'cluster', rest = ''): string {
  const word = SPELLINGS[spelt];
  const groupPath = `/${word('subscriptions')}/${subscription}${to === 'subscription' ? '' : `/${word('resourceGroups')}/${group}`}`;
  return `${groupPath}${to === 'cluster' ? `${word('/providers/Microsoft.ContainerService/managedClusters')}/${cluster}` : ''}${word(rest)}`;
}

const groupKey = ({ subscription, group }: Place): string => `${subscriptionScope(subscription)}/resourceGroups/${group}`.toLowerCase();
export const clusterKey = (at: Place): string => `${groupKey(at)}/providers/Microsoft.ContainerService/managedClusters/${at.cluster}`.toLowerCase();

export const groupAt = ({ model }: ApiRun, at: Place): ModelResource | undefined => model.groups.get(groupKey(at));
export const clusterAt = ({ model }: ApiRun, at: Place): ModelCluster | undefined => model.clusters.get(clusterKey(at));

const ON = { subscription: ({ subscription }: Place) => subscriptionScope(subscription), group: groupKey, cluster: clusterKey } as const;

const GROUP_NAME = /^[-\w().]{0,89}[-\w()]$/;
const CLUSTER_NAME = /^[a-z0-9]([-\w]{0,61}[a-z0-9])?$/i;

/** Who is not logged in, sees no subscription, misspells a name, or has no role, learns that and nothing more; in this order. */
export function guard(run: ApiRun, at: Place, least: Role, on: keyof typeof ON): readonly Layer[] {
  const { who, subscription } = at;
  if (who === null) return [[[401, 'AuthenticationFailed']]];
  const tenantId = run.tenantOf(who);
  return [
    [!run.model.sees(who, tenantId, subscription) && [404, 'SubscriptionNotFound']],
    [on !== 'subscription' && !GROUP_NAME.test(at.group) && INVALID_NAME, on === 'cluster' && !CLUSTER_NAME.test(at.cluster) && INVALID_NAME],
    [!run.model.may(who, least, ON[on](at), tenantId) && FORBIDDEN],
  ];
}

const INVALID_NAME: Refusal = [400, 'InvalidResourceName'];
export const FORBIDDEN: Refusal = [403, 'AuthorizationFailed'];
export const INVALID_CONTENT: Refusal = [400, 'InvalidRequestContent'];

/** What is missing on the way to a cluster. */
export const missingCluster = (run: ApiRun, at: Place): Layer => [groupAt(run, at) === undefined ? [404, 'ResourceGroupNotFound'] : clusterAt(run, at) === undefined && [404, 'ResourceNotFound']];
export const missingGroup = (run: ApiRun, at: Place): Layer => [groupAt(run, at) === undefined && [404, 'ResourceGroupNotFound']];

/** What a client says that it knows of a resource. */
export type Condition = 'none' | 'If-Match: current' | 'If-Match: stale' | 'If-Match: *' | 'If-Match: ' | 'If-None-Match: *' | 'If-None-Match: current' | 'If-None-Match: stale';
export const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Condition>('none') },
  { weight: 3, arbitrary: fc.constantFrom<Condition>('If-Match: current', 'If-Match: stale', 'If-Match: *', 'If-Match: ', 'If-None-Match: *', 'If-None-Match: current', 'If-None-Match: stale') },
);

export function conditionHeaders(said: Condition, stored: ModelResource | undefined): Readonly<Record<string, string>> {
  if (said === 'none') return {};
  const [name = '', value = ''] = said.split(': ');
  return { [name.toLowerCase()]: { 'current': stored?.eTag ?? '"1-never"', 'stale': '"1-stale", "x"', '*': '*', '': '' }[value] ?? '' };
}

/** RFC 9110, sections 13.1.1 and 13.1.2. An empty condition names nothing and is refused. */
export function conditionLayers(said: Condition, stored: ModelResource | undefined): readonly Layer[] {
  const exists = stored !== undefined;
  const fails = { 'none': false, 'If-Match: current': !exists, 'If-Match: stale': true, 'If-Match: *': !exists, 'If-Match: ': false, 'If-None-Match: *': exists, 'If-None-Match: current': exists, 'If-None-Match: stale': false }[said];
  return [[said === 'If-Match: ' && INVALID_CONTENT], [fails && [412, 'PreconditionFailed']]];
}
