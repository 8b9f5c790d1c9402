/** Which signer asks: by the assertion that each request bears, verified with the key of its enrolment, good for one request. */
import { MintmarkError } from '../domain/errors.ts';
import type { SignerRecord } from '../domain/signer.ts';
import { type AssertedRequest, claimedSubject, type TakenAssertion, verifyAssertion } from '../keys/assertion.ts';
import type { EcPublicJwk } from '../keys/public-jwk.ts';
import type { Store, StoreWriter } from '../store/store.ts';

/** A request as it came. */
export interface SignerRequest extends AssertedRequest {
  readonly authorization: string | undefined;
  /** The network address that it came from. */
  readonly address: string;
}

export interface IdentifiedSigner {
  readonly signer: SignerRecord;
  readonly taken: TakenAssertion;
}

const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The id of the signer that a request claims to be of, unverified; null when there is none. */
export function claimedSigner(authorization: string | undefined): string | null {
  const id = claimedSubject(authorization);
  return id !== null && ID.test(id) ? id : null;
}

/** `audience`: the URL for signers. @throws MintmarkError `AssertionRefused`, also for a signer that is not known. */
export async function identifySigner(store: Store, request: SignerRequest, audience: string): Promise<IdentifiedSigner> {
  const id = claimedSigner(request.authorization);
  const signer = id === null ? null : await store.read((tx) => tx.signer(id));
  if (signer === null) throw new MintmarkError('AssertionRefused', 'The assertion of the signer was refused: this server does not know the signer.');
  const taken = await verifyAssertion(request.authorization, jwkOf(signer.assertionJwk), { subject: signer.id, audience }, request, store.now());
  return { signer, taken };
}

/** The id of the signer, whose assertion is used up from now on. @throws MintmarkError `AssertionRefused`. */
export async function admitSigner(tx: StoreWriter, { signer: { id }, taken }: IdentifiedSigner): Promise<string> {
  if (await tx.rememberAssertion(id, taken.jti, taken.endsAt)) return id;
  throw new MintmarkError('AssertionRefused', 'The assertion of the signer was refused: it was used before.');
}

/** A public key as a record has it. */
export const jwkOf = (members: Readonly<Record<string, string>>): EcPublicJwk => members as unknown as EcPublicJwk;
