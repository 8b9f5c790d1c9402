/**
 * One GET of a JSON document from a machine that somebody else has named, such that it can do no harm: https alone, no
 * redirect, a port that is allowed, an address that is allowed, five seconds in all, 256 KiB.
 *
 * The name is resolved here, every address that it has is looked at, and the connection goes to the very ones that were
 * looked at: no second answer of DNS counts. TLS and `Host` keep the name. Behind a proxy the address is the proxy's
 * matter; a host that is itself an address is judged all the same. Leaves to the caller what the document means.
 */
import type { LookupAddress, LookupOptions } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { callbackify } from 'node:util';
import { type AddressGuard, addressGuard } from './addresses.ts';
import type { OutboundProxy } from './outbound-proxy.ts';

export interface FetchedJson {
  readonly body: unknown;
  /** Seconds for which it may be kept, by its headers (RFC 9111, section 5.2.2); null where they do not say. */
  readonly maxAge: number | null;
}

export interface GuardedFetch {
  /** The time that one fetch has, to be shared by those that belong together. */
  deadline(): AbortSignal;
  /** @throws FetchFailed with the rest of a sentence that begins with what was fetched. */
  json(url: string, within?: AbortSignal): Promise<FetchedJson>;
}

/** The message goes to who has caused the fetch: it names no address and nothing of what was read. */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed';
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface FetchRules {
  /** Networks that may be asked beside the public internet. */
  readonly allowedAddresses: readonly string[];
  readonly allowedPorts: readonly PortRange[];
  /** PEM of authorities that are trusted beside the system's; null: none. */
  readonly ca: string | null;
  readonly proxy: OutboundProxy;
  /** Every address of a name; DNS unless said. */
  readonly resolve?: (host: string, within: AbortSignal) => Promise<readonly string[]>;
  /** Milliseconds; 5000 unless said. */
  readonly within?: number;
}

const WITHIN = 5000;
const LARGEST = 256 * 1024;
const DNS = { timeout: 1500, tries: 2 } as const;

export function createGuardedFetch(rules: FetchRules): GuardedFetch {
  const isAllowed = addressGuard(rules.allowedAddresses);
  const resolve = rules.resolve ?? resolveByDns;
  const ca = rules.ca === null ? {} : { ca: [...getCACertificates('default'), rules.ca] };
  const deadline = (): AbortSignal => AbortSignal.timeout(rules.within ?? WITHIN);

  return {
    deadline,
    async json(text, within = deadline()) {
      const url = readTarget(text, rules.allowedPorts, isAllowed);
      const proxy = rules.proxy(url.hostname, portOf(url));
      const agent = new Agent({ keepAlive: false, ...ca, ...(proxy === null ? {} : { proxyEnv: { HTTPS_PROXY: proxy } }) });
      const lookup = guardedLookup((host) => resolve(host, within), isAllowed);
      // Said although it is the default: the environment can not turn verification off.
      const options = { agent, signal: within, rejectUnauthorized: true, autoSelectFamily: true, ...(proxy === null ? { lookup } : {}) };
      try {
        return readJson(await exchange(url, options));
      } finally {
        agent.destroy();
      }
    },
  };
}

const portOf = ({ port }: URL): number => (port === '' ? 443 : Number(port));

/** @throws FetchFailed for a URL that may not be asked at all. */
function readTarget(text: string, allowedPorts: readonly PortRange[], isAllowed: AddressGuard): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') throw new FetchFailed('is at no plain https URL');
  if (!allowedPorts.some(({ from, to }) => from <= portOf(url) && portOf(url) <= to)) throw new FetchFailed(`is at port ${portOf(url)}, which this server does not ask (setting federation.allowedPorts)`);
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = isIP(literal) === 0 ? loopbackOf(literal) : [literal];
  if (!addresses.every(isAllowed)) throw notAllowed();
  return url;
}

/** A host that always stands for this machine (RFC 6761, section 6.3), whatever DNS says. */
const loopbackOf = (host: string): readonly string[] => (/(?:^|\.)localhost\.?$/i.test(host) ? ['127.0.0.1', '::1'] : []);

const notAllowed = (): FetchFailed => new FetchFailed('is at a private or special address, which this server does not ask (setting federation.allowedAddresses)');

/** As node:net asks for all addresses of a name; one that is not allowed refuses the whole name. */
const guardedLookup = (resolve: (host: string) => Promise<readonly string[]>, isAllowed: AddressGuard) => callbackify(async (host: string, _options: LookupOptions): Promise<LookupAddress[]> => {
  const own = loopbackOf(host);
  const addresses = own.length > 0 ? own : await resolve(host);
  if (addresses.length === 0) throw new FetchFailed('is at a name that could not be resolved');
  if (!addresses.every(isAllowed)) throw notAllowed();
  return addresses.map((address) => ({ address, family: isIP(address) }));
});

/** Asked of the name servers alone, off the threads that hash secrets and write files: a slow one holds up nothing else. */
async function resolveByDns(host: string, within: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver(DNS);
  within.addEventListener('abort', () => resolver.cancel(), { once: true });
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

interface Answer {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

function exchange(url: URL, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(options.signal?.aborted === true ? new FetchFailed('did not arrive in time') : inWords(error));
    const sent = request(url, { ...options, method: 'GET', headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'mintmark' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST) response.destroy(new FetchFailed(`is larger than ${LARGEST / 1024} KiB`));
        else chunks.push(chunk);
      });
      response.on('end', () => resolve({ response, body: Buffer.concat(chunks) }));
      response.on('error', fail);
      const fault = headFault(response);
      if (fault !== null) response.destroy(new FetchFailed(fault));
    });
    sent.on('error', fail);
    sent.end();
  });
}

/** What is wrong with the head of a response; null when nothing is. */
function headFault({ statusCode = 0, headers }: IncomingMessage): string | null {
  const type = headers['content-type'] ?? '';
  if (statusCode >= 300 && statusCode < 400) return `was answered with a redirect (${statusCode}), which is not followed`;
  if (statusCode !== 200) return `was answered with the status ${statusCode}`;
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) return 'is not sent as JSON';
  return (headers['content-encoding'] ?? 'identity') === 'identity' ? null : 'is sent compressed, unasked';
}

function readJson({ response, body }: Answer): FetchedJson {
  try {
    return { body: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), maxAge: maxAgeOf(response) };
  } catch {
    throw new FetchFailed('is no JSON in UTF-8');
  }
}

function maxAgeOf({ headers }: IncomingMessage): number | null {
  const directives = (headers['cache-control'] ?? '').toLowerCase().split(',').map((one) => one.trim());
  if (directives.some((one) => one === 'no-store' || one === 'no-cache')) return 0;
  const said = directives.map((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1]).find((one) => one !== undefined);
  return said === undefined ? null : Math.max(0, Number(said) - (Number(headers['age'] ?? 0) || 0));
}

/** What ended an exchange, without what a stranger or the system has put into its message. */
function inWords(error: NodeJS.ErrnoException): Error {
  if (error instanceof FetchFailed) return error;
  const code = /^[A-Z][A-Z\d_]{2,60}$/.test(error.code ?? '') ? ` (${error.code})` : '';
  return new FetchFailed(`could not be read${code}`);
}
