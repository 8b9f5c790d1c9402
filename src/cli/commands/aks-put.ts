/** A PUT of a managed cluster and what follows: wait for its end, then show the cluster as it is. */
import type { ManagedClusterBody } from '../../http/management/contract.ts';
import type { Outcome } from '../command.ts';
import { bodyOf } from '../reply-body.ts';
import { clusterOutput, clusterRow } from '../output/resources.ts';
import { type ClusterName, paths } from '../paths.ts';
import type { Session } from '../session.ts';

/** What is sent; absent means keep. */
interface ClusterChange {
  readonly location?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly identity?: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

const ENDED: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Canceled']);

/** With `wait` false nothing is shown, as Azure CLI does. */
export async function putCluster(session: Session, cluster: ClusterName, change: ClusterChange, wait: boolean): Promise<Outcome> {
  const api = await session.api();
  const reply = await api.send('PUT', paths.cluster(cluster), change);
  if (!wait) return {};
  const operation = await api.follow(reply);
  const put = bodyOf<ManagedClusterBody>(reply);
  const settled = operation === null && ENDED.has(put.properties.provisioningState);
  return clusterOutcome(settled ? put : await api.get<ManagedClusterBody>(paths.cluster(cluster)));
}

export function clusterOutcome(body: ManagedClusterBody): Outcome {
  const result = clusterOutput(body);
  return { result, table: { rows: [clusterRow(result)] } };
}
