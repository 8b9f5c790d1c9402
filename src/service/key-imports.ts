/**
 * Keys that a cluster has already, taken over (rule 15): its public key, so that its API servers go on verifying with it,
 * or the whole of it, so that it goes on signing.
 */
import { after, DAY } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { importSigningKey, importVerifyOnly } from '../domain/imported-key.ts';
import { keysIn } from '../domain/key-ring.ts';
import type { RingChange, Why } from '../domain/key-ring-change.ts';
import type { KeyRing } from '../domain/key-ring.ts';
import type { Resource } from '../domain/resource.ts';
import type { AlgorithmName } from '../domain/algorithms.ts';
import { readPrivateKey, readPublicKey } from '../keys/imported-key.ts';
import type { Sealer } from '../keys/seal.ts';
import type { Store } from '../store/store.ts';
import { actorOf, type Caller } from './caller.ts';
import { issuerIdOf } from './issuers.ts';
import type { Publications } from './publications.ts';
import type { RingCommits } from './ring-commits.ts';

export interface ImportedKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  /** When it stops to verify; null: never, or not before it has signed. */
  readonly expiresAt: Date | null;
  /** The kid that it took the place of, revoked. */
  readonly revoked: readonly string[];
}

export interface KeyImports {
  /** Verifies inside the cluster for so many seconds; null: for ever. @throws MintmarkError `InvalidKey`, `KeyExists`, `KeyWasRevoked`, `TooManyVerifyOnlyKeys`, `KeyRingClosed`. */
  verifyOnly(caller: Caller, cluster: Resource, publicKey: string, verifyFor: number | null): Promise<ImportedKey>;
  /** Takes the prepared place, and signs when it is ready. @throws MintmarkError `InvalidKey`, `KeyExists`, `KeyWasRevoked`, `KeyRingClosed`. */
  toSign(caller: Caller, cluster: Resource, privateKey: string): Promise<ImportedKey>;
}

/** Longer than the year for which an API server with default flags extends tokens. */
export const VERIFY_FOR = 366 * DAY;

interface KeyImportsDeps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly rings: RingCommits;
  readonly publications: Publications;
  readonly wakeRotator: () => void;
}

export function createKeyImports({ store, sealer, rings, publications, wakeRotator }: KeyImportsDeps): KeyImports {
  /** `decide` is told whether the kid was ever revoked. Gives the ring as it was. */
  async function commit(issuerId: string, kid: string, decide: (ring: KeyRing, wasRevoked: boolean, now: Date) => RingChange): Promise<KeyRing> {
    const before = await store.write(async (tx) => {
      const [former, wasRevoked] = [await tx.keyRing(issuerId), await tx.isRevoked(issuerId, kid)];
      if (former === null) throw new MintmarkError('StoreCorrupt', `The key ring of issuer ${issuerId} is not in the store.`);
      await rings.commit(tx, issuerId, (ring, now) => decide(ring, wasRevoked, now));
      return former;
    });
    wakeRotator();
    await publications.settle();
    return before;
  }

  return {
    async verifyOnly(caller, cluster, publicKey, verifyFor) {
      const [key, why] = [readPublicKey(publicKey), whyOf(caller, 'a public key was imported')];
      const seen: { expiresAt: Date | null } = { expiresAt: null };
      await commit(issuerIdOf(cluster), key.kid, (ring, wasRevoked, now) => {
        seen.expiresAt = verifyFor === null ? null : after(now, verifyFor);
        return importVerifyOnly(ring, key, seen.expiresAt, wasRevoked, now, why);
      });
      return { kid: key.kid, algorithm: key.algorithm, expiresAt: seen.expiresAt, revoked: [] };
    },
    async toSign(caller, cluster, privateKey) {
      const [issuerId, why] = [issuerIdOf(cluster), whyOf(caller, 'a key was imported to sign')];
      const brought = await readPrivateKey(privateKey).sealFor(sealer, { tenantId: cluster.tenantId, issuerId });
      const before = await commit(issuerId, brought.kid, (ring, wasRevoked, now) => importSigningKey(ring, brought, wasRevoked, now, why));
      return { kid: brought.kid, algorithm: brought.algorithm, expiresAt: null, revoked: keysIn(before, 'prepared').map(({ kid }) => kid) };
    },
  };
}

const whyOf = (caller: Caller, reason: string): Why => ({ cause: 'import', actor: actorOf(caller), reason });
