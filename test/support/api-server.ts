/**
 * What kube-apiserver 1.34 to 1.36 does with an external signer, check by check: no more strict and no less, as it was
 * observed on the real one. It does not verify what the signer signs; neither does this, until a token is presented.
 *
 * Where the real binaries are at hand, `test/e2e/kube-apiserver.test.ts` asks them the same; elsewhere this stands for them.
 */
import { createPublicKey, type KeyObject, randomUUID, verify } from 'node:crypto';
import { ExternalJwtWire, type WireKey, type WireKeys } from './external-jwt-wire.ts';

const ALGORITHMS: Readonly<Record<string, { readonly digest: string }>> = { RS256: { digest: 'sha256' }, ES256: { digest: 'sha256' }, ES384: { digest: 'sha384' }, ES512: { digest: 'sha512' } };
const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const LONGEST_KEY_ID = 1024;
const SHORTEST_LIFE = 600;
const LEEWAY = 60;
/** What the kubelet asks for a pod's token for the API server itself, and what it may get instead: a year, or the signer's longest. */
const KUBELET_LIFE = 3607;
const EXTENDED_LIFE = 365 * 86_400;
/** Bounds of `--service-account-max-token-expiration`. */
const LIFE_FLAG = { least: 3600, most: 2 ** 32 } as const;
/** For Metadata; FetchKeys at the start has a minute. */
const METADATA_WITHIN_MS = 10_000;

interface KnownKey extends WireKey {
  readonly publicKey: KeyObject;
}

interface KeySet {
  readonly keys: readonly KnownKey[];
  readonly stamp: string;
}

export interface TokenAsked {
  readonly expirationSeconds?: number;
  readonly subject?: string;
  readonly audiences?: readonly string[];
  /** The pod that the token is for: what the kubelet asks for, for the API server alone, is extended (`--service-account-extend-token-expiration`, on by default). */
  readonly pod?: string;
}

const bytesOf = (text: string): Buffer => {
  // encoding/base64's RawURLEncoding: that alphabet, no padding.
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) throw new Error('illegal base64 data');
  return Buffer.from(text, 'base64url');
};

/** What a reply to FetchKeys has to be, or the whole of it is refused and the former set kept. */
function checkedKeys({ keys, timestamp, refreshHintSeconds }: WireKeys): readonly KnownKey[] {
  if (refreshHintSeconds <= 0) throw new Error('found invalid refresh hint');
  if (keys.length === 0) throw new Error('found no keys');
  if (timestamp === null || timestamp.nanos < 0 || timestamp.nanos > 999_999_999) throw new Error('invalid data timestamp');
  return keys.map((key) => {
    if (key.keyId === '' || Buffer.byteLength(key.keyId) > LONGEST_KEY_ID) throw new Error('found invalid public key id');
    return { ...key, publicKey: pkixKey(key.key) };
  });
}

function pkixKey(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    throw new Error('while parsing external public keys');
  }
}

/** The name that a published key gets; throws for a kind that has none, which is when the real one stops rendering. */
function algorithmOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const name = type === 'rsa' ? 'RS256' : type === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined;
  if (name === undefined) throw new Error(`unknown public key type: ${type}`);
  return name;
}

/** The longest life of a token that is asked for: the signer's, or a shorter one by the flag. Throws where the real one exits. */
function longestLife(flag: number | null, signers: number): number {
  if (flag !== null && (flag < LIFE_FLAG.least || flag > LIFE_FLAG.most)) throw new Error('the service-account-max-token-expiration must be between 1 hour and 2^32 seconds');
  if (signers < SHORTEST_LIFE) throw new Error(`max token life supported by external-jwt-signer (${signers}s) is less than acceptable (min ${SHORTEST_LIFE}s)`);
  if (flag !== null && flag > signers) throw new Error('service-account-max-token-expiration cannot be set longer than the token expiration supported by service-account-signing-endpoint');
  return flag ?? signers;
}

interface Start {
  readonly now?: () => Date;
  /** Milliseconds that stand for its 60 seconds, and where they are fewer for the 10 of Metadata. */
  readonly withinMs?: number;
  readonly packageName?: 'v1' | 'v1alpha1';
  /** `--service-account-max-token-expiration`, in seconds; null: not set. */
  readonly maxTokenExpiration?: number | null;
}

export class ApiServer {
  readonly #wire: ExternalJwtWire;
  readonly #issuer: string;
  readonly #now: () => number;
  #set: KeySet = { keys: [], stamp: '' };
  #jwks: readonly string[] | null = null;
  #longestLife = 0;
  #longestExtendedLife = 0;
  /** How often it asked for keys. */
  fetches = 0;

  private constructor(wire: ExternalJwtWire, issuer: string, now: () => Date) {
    [this.#wire, this.#issuer, this.#now] = [wire, issuer, () => Math.floor(now().getTime() / 1000)];
  }

  /** Starts as the real one does; rejects where that exits. */
  static async start(socket: string, issuer: string, { now = () => new Date(), withinMs = 60_000, packageName = 'v1', maxTokenExpiration = null }: Start = {}): Promise<ApiServer> {
    const server = new ApiServer(new ExternalJwtWire(socket, packageName), issuer, now);
    try {
      await server.sync(withinMs);
      const { maxTokenExpirationSeconds } = await server.#wire.metadata(Math.min(withinMs, METADATA_WITHIN_MS));
      server.#longestLife = longestLife(maxTokenExpiration, maxTokenExpirationSeconds);
      server.#longestExtendedLife = maxTokenExpirationSeconds;
      return server;
    } catch (error) {
      server.stop();
      throw error;
    }
  }

  stop(): void {
    this.#wire.close();
  }

  /** The kids of its own JWKS; null while discovery answers 404. */
  get jwks(): readonly string[] | null {
    return this.#jwks;
  }

  /** Kids that verify. */
  get kids(): readonly string[] {
    return this.#set.keys.map(({ keyId }) => keyId);
  }

  /** FetchKeys, as on its timer. */
  async sync(withinMs = 60_000): Promise<void> {
    this.fetches += 1;
    const reply = await this.#wire.fetchKeys(withinMs);
    const keys = checkedKeys(reply);
    // Nothing else of the set is looked at to find out whether it is another.
    const stamp = JSON.stringify([reply.timestamp, keys.map(({ keyId, exclude }) => [keyId, exclude])]);
    const changed = stamp !== this.#set.stamp;
    this.#set = { keys, stamp };
    if (changed) this.#render(keys);
  }

  #render(keys: readonly KnownKey[]): void {
    try {
      this.#jwks = keys.filter(({ exclude }) => !exclude).map(({ keyId, publicKey }) => `${keyId} ${algorithmOf(publicKey)}`);
    } catch {
      // The real one logs it and serves what it had.
    }
  }

  /** TokenRequest: 201, or the reason of its 500. */
  async requestToken(asked: TokenAsked = {}): Promise<string> {
    const { header, signature, payload } = await this.signed(asked);
    await this.#checkHeader(header);
    if (signature === '') throw new Error('empty signature returned');
    return `${header}.${payload}.${signature}`;
  }

  /** The claims of a request and what the signer made of them, unchecked. */
  async signed({ expirationSeconds = 3600, subject = 'system:serviceaccount:default:default', audiences = [this.#issuer], pod }: TokenAsked): Promise<{ readonly header: string; readonly signature: string; readonly payload: string }> {
    if (expirationSeconds < SHORTEST_LIFE) throw new Error('may not specify a duration less than 10 minutes');
    const [iat, [, , namespace, name]] = [this.#now(), subject.split(':')];
    const life = Math.min(expirationSeconds, this.#longestLife);
    const isExtended = pod !== undefined && life === KUBELET_LIFE && audiences.every((audience) => audience === this.#issuer);
    const bound = { namespace, ...(pod === undefined ? {} : { pod: { name: pod, uid: randomUUID() } }), serviceaccount: { name, uid: randomUUID() }, ...(isExtended ? { warnafter: iat + life } : {}) };
    const claims = { aud: audiences, exp: iat + (isExtended ? Math.min(EXTENDED_LIFE, this.#longestExtendedLife) : life), iat, iss: this.#issuer, jti: randomUUID(), 'kubernetes.io': bound, nbf: iat, sub: subject };
    const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
    return { ...(await this.#wire.sign(payload)), payload };
  }

  async #checkHeader(encoded: string): Promise<void> {
    const header = JSON.parse(bytesOf(encoded).toString('utf8')) as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(header).find((name) => !['alg', 'kid', 'typ'].includes(name));
    if (unknown !== undefined) throw new Error(`json: unknown field "${unknown}"`);
    const { alg, kid, typ } = header;
    if (typ !== 'JWT') throw new Error('bad type');
    if (typeof kid !== 'string' || kid === '') throw new Error('key id missing');
    if (Buffer.byteLength(kid) > LONGEST_KEY_ID) throw new Error('key id longer than 1 kb');
    if (typeof alg !== 'string' || ALGORITHMS[alg] === undefined) throw new Error(`bad signing algorithm "${String(alg)}"`);
    if ((await this.#keysOf(kid)).some(({ exclude }) => exclude)) throw new Error(`key used for signing JWT (kid: ${kid}) is excluded from OIDC discovery docs`);
  }

  /** The keys with this id; the signer is asked again when there is none. */
  async #keysOf(kid: string): Promise<readonly KnownKey[]> {
    const known = () => this.#set.keys.filter(({ keyId }) => keyId === kid);
    if (known().length === 0) await this.sync(10_000).catch(() => undefined);
    return known();
  }

  /** TokenReview: the subject, or the reason of its refusal. */
  async review(token: string): Promise<string> {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const { alg = '', kid = '' } = JSON.parse(bytesOf(header).toString('utf8')) as { readonly alg?: string; readonly kid?: string };
    const claims = JSON.parse(bytesOf(payload).toString('utf8')) as { readonly iss: string; readonly exp: number; readonly nbf: number; readonly sub: string };
    if (claims.iss !== this.#issuer) throw new Error('not a token of this issuer');
    const { digest } = ALGORITHMS[alg] ?? { digest: null };
    const keys = await this.#keysOf(kid);
    const input = Buffer.from(`${header}.${payload}`);
    if (digest === null || !keys.some(({ publicKey }) => algorithmOf(publicKey) === alg && verify(digest, input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytesOf(signature)))) throw new Error('invalid bearer token');
    if (this.#now() > claims.exp + LEEWAY) throw new Error('token is expired');
    if (this.#now() < claims.nbf - LEEWAY) throw new Error('token not valid yet');
    return claims.sub;
  }
}
