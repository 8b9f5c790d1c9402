/** Who uses a signer's ring: the socket of an API server that signs externally, or the key files of one that does not. */
import type { SignerRing } from '../domain/ring-for-signer.ts';
import type { RingSigner } from '../keys/ring-signer.ts';

/** A ring that a signer may work with: it is not that of a deleted signer. */
export interface UsableRing {
  readonly ring: SignerRing;
  /** Null in a closed ring. */
  readonly signer: RingSigner | null;
}

export interface RingUser {
  /** Puts a ring into use. It is on the disk already, and acknowledged only once it is `proven`. */
  use(opened: UsableRing): Promise<void>;
  /** Whether the API server would verify with every key of the ring in use (rule 5). */
  proven(): Promise<boolean>;
  /** The signer was deleted on its server: nothing may be signed here any more (rule 12). */
  wipe(): Promise<void>;
}
