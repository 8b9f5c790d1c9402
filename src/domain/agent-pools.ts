/** The agent pools of a managed cluster: stored and echoed, never acted on. */
import { MintmarkError } from './errors.ts';
import { isJsonObject, type Json, type JsonObject, merge } from './resource.ts';

/** As many as AKS has. */
export const MOST_POOLS = 100;
const MOST_NODES = 5000;
/** AKS's rule. It knows no upper case, so names that differ are different without regard to case too. */
const POOL_NAME = /^[a-z][a-z0-9]{0,11}$/;
const TARGET = 'properties.agentPoolProfiles';

/** The agent pools of a cluster's properties. */
export const pools = ({ agentPoolProfiles }: JsonObject): readonly JsonObject[] => (Array.isArray(agentPoolProfiles) ? agentPoolProfiles.filter(isJsonObject) : []);

/**
 * The pools of a request replace those stored; of a pool with the same name, absent members are kept. None given: `otherwise`.
 * @throws MintmarkError `InvalidRequestContent`.
 */
export function mergePools(stored: readonly JsonObject[], given: Json | undefined, otherwise: readonly JsonObject[]): readonly JsonObject[] {
  const asked = pools({ agentPoolProfiles: given ?? [] });
  if (asked.length > MOST_POOLS) throw refuse(`There are ${asked.length} agent pools; a cluster has at most ${MOST_POOLS}.`);
  const former = new Map(stored.map((pool) => [pool.name, pool]));
  const next = asked.map((pool) => merge(former.get(pool.name) ?? {}, pool));
  assertPools(next);
  return next.length === 0 ? otherwise : next;
}

function assertPools(next: readonly JsonObject[]): void {
  if (!next.every(({ name }) => typeof name === 'string' && POOL_NAME.test(name))) throw refuse('Each agent pool has a name of 1 to 12 lower-case letters and digits, with a letter at the start.');
  if (new Set(next.map(({ name }) => name)).size < next.length) throw refuse('Two agent pools have the same name.');
  if (!next.every(({ count }) => count === undefined || isNodeCount(count))) throw refuse(`The count of an agent pool is a whole number from 0 to ${MOST_NODES}.`);
}

const isNodeCount = (count: Json): boolean => Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MOST_NODES;

const refuse = (message: string): MintmarkError => new MintmarkError('InvalidRequestContent', message, { target: TARGET });
