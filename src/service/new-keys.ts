/** Keys for a commit that may not need them: taken from the pool and sealed before the transaction, given back after it. */
import type { NewKey, RingChange } from '../domain/key-ring-change.ts';
import type { UnsealedKey } from '../keys/generate.ts';
import type { KeyPool } from '../keys/pool.ts';
import type { Sealer } from '../keys/seal.ts';

export interface MadeKeys {
  readonly keys: readonly NewKey[];
  /** Returns to the pool what the change did not use (null: nothing was changed). */
  settle(change: RingChange | null): void;
}

export interface NewKeys {
  make(count: number, owner: { readonly tenantId: string; readonly issuerId: string }): Promise<MadeKeys>;
}

export function createNewKeys(pool: KeyPool, sealer: Sealer): NewKeys {
  return {
    async make(count, owner) {
      const taken = await Promise.all(Array.from({ length: count }, () => pool.take()));
      return { keys: await Promise.all(taken.map((key) => key.sealFor(sealer, owner))), settle: (change) => giveBack(pool, taken, change) };
    },
  };
}

function giveBack(pool: KeyPool, taken: readonly UnsealedKey[], change: RingChange | null): void {
  const used = new Set(change?.sealed.map(({ kid }) => kid));
  for (const key of taken) if (!used.has(key.kid)) pool.giveBack(key);
}
