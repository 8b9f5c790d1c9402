/** Refuses to delete what signers are enrolled for (rule 14): their API servers would be left without signatures, and could not start again. */
import { MintmarkError } from '../domain/errors.ts';
import type { AttachedSigner, StoreReader } from '../store/store.ts';

/** How many signers a refusal names. */
const MOST_NAMED = 10;

/** @throws MintmarkError `SignersAttached` naming signers that are enrolled for clusters at or below the scope, and the way out. */
export async function assertNoSigners(tx: StoreReader, scope: string): Promise<void> {
  const attached = await tx.enrolledSignersWithin(scope, MOST_NAMED + 1);
  if (attached.length === 0) return;
  const named = attached.slice(0, MOST_NAMED).map(({ name, clusterName }) => `'${name}' of cluster '${clusterName}'`).join(', ');
  const more = attached.length > MOST_NAMED ? ', and more' : '';
  const details = attached.slice(0, MOST_NAMED).map(detailOf);
  throw new MintmarkError('SignersAttached', `Signers are enrolled: ${named}${more}. Nothing was deleted: their API servers would be left without signatures and could not start again. Of a machine that lives, detach the API server (mintmark signer detach) and delete the signer (mintmark signer delete -g GROUP -n CLUSTER --signer NAME). Only of one that is gone, write the signer off (mintmark signer write-off): a living one comes back by itself within a minute.`, { details });
}

const detailOf = ({ name, clusterId }: AttachedSigner) => ({ code: 'SignersAttached', message: `The signer '${name}' is enrolled.`, target: clusterId }) as const;
