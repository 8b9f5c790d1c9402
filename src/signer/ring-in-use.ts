/**
 * The ring that a signer answers by: which key signs, which keys verify, and whether it may sign at all.
 *
 * Owns: the ring in memory and the reply to FetchKeys, encoded once for each change of it. Gets each new ring from the
 * follower by `use`, and asks the lease before it signs. Leaves to `external-jwt-signer.ts`: gRPC; to `keys`: the private half.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { SignerRing } from '../domain/ring-for-signer.ts';
import { claimsFault } from '../domain/signing-claims.ts';
import { refreshHint, type VerificationKeys, verificationKeys } from '../domain/verification-keys.ts';
import { publicKeyDer } from '../keys/generate.ts';
import type { RingSigner } from '../keys/ring-signer.ts';
import type { KeysReply, SignReply } from './external-jwt-protocol.ts';
import type { RingUser } from './ring-user.ts';

/** Why nothing may be signed, to follow "Nothing is signed: "; null when signing is allowed. */
export type SigningBar = () => string | null;

interface Surroundings {
  readonly now: () => Date;
  readonly bar: SigningBar;
  readonly encodeKeys: (reply: KeysReply) => Buffer;
}

/** A ring, and what signs for it; null in a closed one. */
export interface OpenedForSigning {
  readonly ring: SignerRing;
  readonly signer: Pick<RingSigner, 'kid' | 'algorithm' | 'sign'> | null;
}

interface EncodedKeys {
  /** What tells one list from another. */
  readonly content: string;
  readonly bytes: Buffer;
  /** `data_timestamp`, in milliseconds. */
  readonly at: number;
  readonly until: Date | null;
}

export class RingInUse implements RingUser {
  readonly #around: Surroundings;
  #opened: OpenedForSigning;
  #header: string | null;
  #keys: EncodedKeys;

  constructor(opened: OpenedForSigning, around: Surroundings) {
    [this.#around, this.#opened, this.#header] = [around, opened, headerOf(opened)];
    this.#keys = this.#encode(opened.ring, null);
  }

  get ring(): SignerRing {
    return this.#opened.ring;
  }

  /** From here on every answer is by this ring. */
  async use(opened: OpenedForSigning): Promise<void> {
    this.#keys = this.#encode(opened.ring, this.#keys);
    [this.#opened, this.#header] = [opened, headerOf(opened)];
  }

  /** An API server asks for keys by itself as soon as a token has a kid that it does not know. */
  async proven(): Promise<boolean> {
    return true;
  }

  /** Public halves are still given, so that tokens in use verify until this process ends. */
  async wipe(): Promise<void> {
    [this.#opened, this.#header] = [{ ring: this.#opened.ring, signer: null }, null];
  }

  /**
   * Header and signature for claims, which are signed as they came.
   * @throws MintmarkError `ClaimsRefused`, `SigningStopped`; `SealBroken` when a signature does not verify.
   */
  async sign(claims: string): Promise<SignReply> {
    for (;;) {
      const [{ ring, signer }, header] = [this.#opened, this.#header];
      const bar = this.#around.bar() ?? (signer === null || header === null ? `${ring.open ? 'this signer was deleted on its server' : `the issuer ${ring.issuer} was deleted`}.` : null);
      if (bar !== null || signer === null) throw new MintmarkError('SigningStopped', `Nothing is signed: ${bar}`);
      const fault = claimsFault(claims, ring.issuer, this.#around.now());
      if (fault !== null) throw new MintmarkError('ClaimsRefused', `The claims are not signed: ${fault}.`);
      const signature = await signer.sign(Buffer.from(`${header}.${claims}`, 'latin1'));
      // A ring that came meanwhile may have retired this key: no token leaves under a key after its retirement was acknowledged.
      if (this.#opened.signer === signer) return { header: header!, signature: signature.toString('base64url') };
    }
  }

  /** The encoded reply to FetchKeys at this moment. */
  keysReply(): Buffer {
    const { until } = this.#keys;
    if (until !== null && until <= this.#around.now()) this.#keys = this.#encode(this.#opened.ring, this.#keys);
    return this.#keys.bytes;
  }

  #encode(ring: SignerRing, before: EncodedKeys | null): EncodedKeys {
    const now = this.#around.now();
    const list = verificationKeys(ring, now);
    const content = JSON.stringify([list.keys, refreshHint(ring)]);
    if (before?.content === content) return { ...before, until: list.until };
    // Later than any before, also when the clock was set back: an API server looks for nothing but a change.
    const at = Math.max(now.getTime(), (before?.at ?? 0) + 1);
    return { content, at, until: list.until, bytes: this.#around.encodeKeys(replyOf(list, at, refreshHint(ring))) };
  }
}

function headerOf({ signer }: OpenedForSigning): string | null {
  return signer === null ? null : Buffer.from(JSON.stringify({ alg: signer.algorithm, kid: signer.kid, typ: 'JWT' })).toString('base64url');
}

const replyOf = ({ keys }: VerificationKeys, at: number, refreshHintSeconds: number): KeysReply => ({
  keys: keys.map(({ kid, algorithm, publicMembers, excludeFromDiscovery }) => ({ keyId: kid, key: publicKeyDer(algorithm, publicMembers), excludeFromOidcDiscovery: excludeFromDiscovery })),
  dataTimestamp: { seconds: Math.floor(at / 1000), nanos: (at % 1000) * 1_000_000 },
  refreshHintSeconds,
});
