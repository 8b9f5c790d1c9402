/** Who uses a signer's ring: the socket of an API server that signs externally, or the key files of one that does not. */
import type { OpenedRing } from '../keys/ring-signer.ts';

export interface RingUser {
  /** Puts a ring into use. It is on the disk already, and acknowledged only once it is `proven`. */
  use(opened: OpenedRing): Promise<void>;
  /** Whether the API server would verify with every key of the ring in use (rule 5). */
  proven(): Promise<boolean>;
}
