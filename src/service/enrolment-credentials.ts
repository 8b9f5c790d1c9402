/**
 * Credentials that let machines enrol as signers: made, listed and revoked by people.
 *
 * A one-time token is for one machine, within the hour; a join credential is for machines that come and go. Both are told
 * once, and only a hash is kept. Leaves to `enrolment.ts` how they are used.
 */
import { randomUUID } from 'node:crypto';
import { isCidr } from '../domain/cidr.ts';
import { after, HOUR, MINUTE } from '../domain/durations.ts';
import { enrolmentTokenText } from '../domain/enrolment-token.ts';
import { MintmarkError } from '../domain/errors.ts';
import { REPEAT_HOURS } from '../domain/operation.ts';
import type { Resource } from '../domain/resource.ts';
import type { EnrolmentCredential, SignerRecord } from '../domain/signer.ts';
import { digestOf, newSecret } from '../keys/secrets.ts';
import type { Store, StoreReader, StoreWriter } from '../store/store.ts';
import { actorOf, type Caller } from './caller.ts';
import { assertOpenIssuer, enrolledAs } from './enrolment.ts';
import { issuerIdOf } from './issuers.ts';
import type { RingSigningKeys } from './ring-signing-keys.ts';

/** A credential, told once. */
export interface MadeCredential {
  readonly credential: EnrolmentCredential;
  readonly token: string;
  /** The signer of that name that is enrolled now, and that whoever enrols takes the place of. */
  readonly replaces: SignerRecord | null;
}

export interface JoinLimits {
  /** Seconds; null: no end. */
  readonly expiresIn: number | null;
  readonly mostUses: number | null;
  readonly cidrs: readonly string[];
  readonly replacesByName: boolean;
}

export interface EnrolmentCredentials {
  /**
   * A token for one machine; a repeat of the same request takes back one that was not used.
   * @throws MintmarkError `IssuerNotEnabled`, `KeyRingClosed`, `SignersNotServed`.
   */
  createToken(caller: Caller, cluster: Resource, of: { readonly name: string | null; readonly expiresIn: number | null }): Promise<MadeCredential>;
  /** The same for machines that come and go. @throws MintmarkError also `InvalidRequestContent` for a range that is none. */
  createJoinCredential(caller: Caller, cluster: Resource, limits: JoinLimits): Promise<MadeCredential>;
  joinCredentials(cluster: Resource): Promise<readonly EnrolmentCredential[]>;
  /** @throws MintmarkError `ResourceNotFound`. */
  joinCredential(cluster: Resource, id: string): Promise<EnrolmentCredential>;
  /** Nobody enrols with it any more; who has done so stays. @throws MintmarkError `ResourceNotFound`. */
  revokeJoinCredential(cluster: Resource, id: string): Promise<void>;
}

/** Where signers are served, as tokens say it. */
export interface SignersPlace {
  readonly url: string;
  /** SHA-256 (hex) of the certificate that signers pin; null for the roots of their machine. */
  pin(): string | null;
}

interface CredentialsDeps {
  readonly store: Store;
  readonly keys: RingSigningKeys;
  /** Null where there is no listener for signers. */
  readonly place: SignersPlace | null;
}

/** The life of a one-time token, in seconds; the longest is the usual one. */
export const TOKEN_LIFE = { least: MINUTE, most: HOUR } as const;

const MOST_JOIN_CREDENTIALS = 50;

export function createEnrolmentCredentials({ store, keys, place }: CredentialsDeps): EnrolmentCredentials {
  async function make(caller: Caller, cluster: Resource, of: Pick<EnrolmentCredential, 'kind' | 'name' | 'mostUses' | 'cidrs' | 'replacesByName'> & { readonly expiresIn: number | null }): Promise<MadeCredential> {
    const { url, pin } = servedAt(place);
    const { kid } = await keys.current();
    const [issuerId, id, secret, { expiresIn, ...limits }] = [issuerIdOf(cluster), randomUUID(), newSecret(), of];
    const made = await store.write(async (tx) => {
      await assertOpenIssuer(tx, issuerId);
      if (of.kind === 'join') await assertRoom(tx, issuerId);
      await replaceRepeated(tx, caller, issuerId, of.kind, id);
      const credential: EnrolmentCredential = {
        ...limits, id, issuerId, secretHash: digestOf(secret), createdAt: tx.now, createdBy: actorOf(caller), expiresAt: expiresIn === null ? null : after(tx.now, expiresIn),
        uses: 0, revokedAt: null, usedBy: null,
      };
      await tx.putEnrolmentCredential(credential);
      return { credential, replaces: of.name === null ? null : ((await enrolledAs(tx, issuerId, of.name))[0] ?? null) };
    });
    return { ...made, token: enrolmentTokenText({ kind: of.kind, url, ca: pin(), ringSigningKey: kid, name: of.name, id, secret }) };
  }

  return {
    createToken: (caller, cluster, { name, expiresIn }) => make(caller, cluster, { kind: 'once', name, mostUses: 1, cidrs: [], replacesByName: false, expiresIn: expiresIn ?? TOKEN_LIFE.most }),
    async createJoinCredential(caller, cluster, { expiresIn, mostUses, cidrs, replacesByName }) {
      const wrong = cidrs.find((text) => !isCidr(text));
      if (wrong !== undefined) throw new MintmarkError('InvalidRequestContent', `'${wrong.slice(0, 80)}' is no range of addresses, such as 10.0.0.0/8 or 2001:db8::/32.`, { target: 'cidrs' });
      return make(caller, cluster, { kind: 'join', name: null, mostUses, cidrs, replacesByName, expiresIn });
    },
    joinCredentials: (cluster) => store.read((tx) => joinCredentialsOf(tx, issuerIdOf(cluster))),
    joinCredential: (cluster, id) => store.read((tx) => existing(tx, issuerIdOf(cluster), id)),
    revokeJoinCredential: (cluster, id) => store.write(async (tx) => {
      const credential = await existing(tx, issuerIdOf(cluster), id);
      if (credential.revokedAt === null) await tx.putEnrolmentCredential({ ...credential, revokedAt: tx.now });
    }),
  };
}

/** @throws MintmarkError `SignersNotServed`. */
export function servedAt(place: SignersPlace | null): SignersPlace {
  if (place !== null) return place;
  throw new MintmarkError('SignersNotServed', 'This server has no listener for signers. An operator sets signers.listen and signers.url in its configuration.');
}

/** A repeated request, whose first answer was perhaps not heard, must not leave two tokens. */
async function replaceRepeated(tx: StoreWriter, { principalId, clientRequestId }: Caller, issuerId: string, kind: EnrolmentCredential['kind'], id: string): Promise<void> {
  if (clientRequestId === null) return;
  const key = ['enrolment', kind, principalId, issuerId, clientRequestId].join('\n');
  const former = await tx.requestedOperation(key, after(tx.now, -REPEAT_HOURS * HOUR));
  const credential = former === null ? null : await tx.enrolmentCredential(former);
  if (credential !== null && credential.uses === 0) await tx.deleteEnrolmentCredential(credential.id);
  await tx.rememberRequest(key, id);
}

async function assertRoom(tx: StoreReader, issuerId: string): Promise<void> {
  const good = (await joinCredentialsOf(tx, issuerId)).filter(({ revokedAt }) => revokedAt === null);
  if (good.length >= MOST_JOIN_CREDENTIALS) throw new MintmarkError('OperationNotAllowed', `The cluster has ${MOST_JOIN_CREDENTIALS} join credentials already. Revoke those that nothing uses.`);
}

const joinCredentialsOf = async (tx: StoreReader, issuerId: string): Promise<readonly EnrolmentCredential[]> =>
  (await tx.enrolmentCredentialsOf(issuerId)).filter(({ kind }) => kind === 'join');

async function existing(tx: StoreReader, issuerId: string, id: string): Promise<EnrolmentCredential> {
  const found = (await joinCredentialsOf(tx, issuerId)).find((credential) => credential.id === id);
  if (found === undefined) throw new MintmarkError('ResourceNotFound', `The cluster has no join credential '${id.slice(0, 80)}'.`);
  return found;
}
