/**
 * The requests of a signer to its server (`/signer/v1/`), each with an assertion of its own, over a connection that has to
 * lead to the certificate that was pinned at the enrolment.
 *
 * Owns: https, limits on what is read, and telling "no answer" (`ServerUnreachable`) from "refused" (the server's code and
 * words). Leaves to `ring-follower.ts` when to ask, and what a ring means.
 */
import { Agent, request as httpsRequest } from 'node:https';
import { type ErrorCode, ERROR_CATALOGUE, MintmarkError } from '../domain/errors.ts';
import type { RingPoint } from '../domain/ring-for-signer.ts';
import type { SignerMode } from '../domain/signer.ts';
import type { AcknowledgeRequest, EnrollReply, EnrollRequest, RingReply, SignerErrorBody } from '../http/signers/contract.ts';
import { makeAssertion } from '../keys/assertion.ts';
import { thumbprint } from '../keys/public-jwk.ts';
import type { SignerKeys } from '../keys/signer-keys.ts';
import { packageVersion } from '../package-version.ts';
import { proxied } from './server-proxy.ts';

/** Bytes of the longest reply that is read: a ring of the largest size, and what is around it. */
const LARGEST_REPLY = 2 * 1024 * 1024;
/** Milliseconds for a request that does not wait for anything. */
const WITHIN = 10_000;
/** For `signer list`. */
const PROGRAM = `mintmark/${packageVersion()}`;
const PATHS = { enroll: '/signer/v1/enroll', ring: '/signer/v1/ring', acknowledge: '/signer/v1/acknowledge' } as const;

/** The ring that the signer has, and its lease in seconds: null is for ever, undefined that it has none. */
export interface HeldRing {
  readonly mode: SignerMode;
  readonly point: RingPoint | null;
  readonly leaseSeconds: number | null | undefined;
  /** Whether the ring that the server gave last was refused. */
  readonly refused: boolean;
}

export interface ServerClient {
  /** The envelope of a later ring, or null when there is none within `waitSeconds`. Rejects at once when `signal` is aborted. */
  ring(held: HeldRing, waitSeconds: number, now: Date, signal: AbortSignal): Promise<string | null>;
  acknowledge(said: AcknowledgeRequest, now: Date, signal: AbortSignal): Promise<void>;
  close(): void;
}

export interface ServerAddress {
  readonly url: string;
  readonly ca: string | null;
  /** URL of the proxy by which it is reached; null: directly. */
  readonly proxy: string | null;
}

interface Sent {
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly body?: object;
  readonly now: Date;
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

/** All methods reject with `ServerUnreachable`, or with the code and the words by which the server refuses. */
export function createServerClient(address: ServerAddress, keys: SignerKeys, signerId: string): ServerClient {
  const { exchange, close } = createExchange(address, keys, signerId);
  return {
    async ring({ mode, point, leaseSeconds, refused }, waitSeconds, now, signal) {
      const query = new URLSearchParams({ epoch: String(point?.epoch ?? 0), version: String(point?.version ?? 0), wait: String(waitSeconds), clock: now.toISOString(), mode });
      if (leaseSeconds !== undefined) query.set('lease', String(leaseSeconds ?? 'off'));
      if (refused) query.set('refused', '1');
      const reply = await exchange({ method: 'GET', target: `${PATHS.ring}?${query}`, now, withinMs: WITHIN + waitSeconds * 1000, signal });
      if (reply === null) return null;
      const { ring } = reply as RingReply;
      if (typeof ring !== 'string') throw unreachable(address.url, 'its reply is none of a Mintmark server');
      return ring;
    },
    acknowledge: async (said, now, signal) => void (await exchange({ method: 'POST', target: PATHS.acknowledge, body: said, now, signal })),
    close,
  };
}

/** Asks to be enrolled; the token's secret goes only to a server that proved to be the one that made it. */
export async function requestEnrolment(address: ServerAddress, keys: SignerKeys, enrolment: EnrollRequest, now: Date): Promise<EnrollReply> {
  const { exchange, close } = createExchange(address, keys, thumbprint(keys.assertionJwk));
  try {
    const reply = (await exchange({ method: 'POST', target: PATHS.enroll, body: enrolment, now })) as EnrollReply | null;
    const texts = [reply?.signerId, reply?.name, reply?.issuerId, reply?.issuerURL, reply?.ringSigningKey?.x];
    if (reply === null || texts.some((text) => typeof text !== 'string')) throw unreachable(address.url, 'its reply is none of a Mintmark server');
    return reply;
  } finally {
    close();
  }
}

function createExchange({ url, ca, proxy }: ServerAddress, keys: SignerKeys, subject: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, ...proxied(proxy), ...(ca === null ? {} : { ca, allowPartialTrustChain: true }) });

  /** The JSON of a 200, null for a 204. */
  async function exchange({ method, target, body, now, withinMs = WITHIN, signal }: Sent): Promise<unknown> {
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    const authorization = await makeAssertion(keys, { subject, audience: url }, { method, target, body: bytes }, now);
    const headers = { authorization, 'user-agent': PROGRAM, ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }) };
    const limit = AbortSignal.timeout(withinMs);
    const { status, text } = await send(new URL(target, url), { method, headers, agent, timeout: WITHIN, signal: signal === undefined ? limit : AbortSignal.any([limit, signal]) }, bytes)
      .catch((error: unknown) => { throw unreachable(url, limit.aborted ? `no answer within ${withinMs / 1000} s` : (error as Error).message, error); });
    if (status === 204) return null;
    if (status === 200) return jsonOf(text) ?? Promise.reject(unreachable(url, 'its reply is no JSON'));
    throw refusal(url, status, text);
  }
  return { exchange, close: () => agent.destroy() };
}

interface Options {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly agent: Agent;
  /** Milliseconds for a proxy to make the way through, which `signal` does not end. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

function send(url: URL, options: Options, body: Buffer): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    // A request that waits for its proxy would say so only when that has answered.
    options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true });
    httpsRequest(url, options, (reply) => {
      const chunks: Buffer[] = [];
      let size = 0;
      reply.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > LARGEST_REPLY) reply.destroy(new Error(`its reply is larger than ${LARGEST_REPLY} bytes`));
      }).on('error', reject).on('end', () => resolve({ status: reply.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    }).on('error', reject).end(body);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes that speak of the signer's request. Every other answer may be of anything in between, and be another in a moment. */
function refusal(url: string, status: number, text: string): MintmarkError {
  const { code, message } = (jsonOf(text) as Partial<SignerErrorBody> | undefined)?.error ?? {};
  const isKnown = typeof code === 'string' && Object.hasOwn(ERROR_CATALOGUE, code) && status >= 400 && status < 500 && status !== 429;
  return isKnown ? new MintmarkError(code as ErrorCode, String(message)) : unreachable(url, `it answers with status ${status}${typeof code === 'string' ? ` (${code})` : ''}`);
}

const unreachable = (url: string, why: string, cause?: unknown): MintmarkError => new MintmarkError('ServerUnreachable', `The server at ${url} can not be asked: ${why}.`, { cause });
