/**
 * One https request and its reply over Node's own client, which starts faster than `fetch`.
 *
 * Owns: connections, time-outs, repeats after a cut connection, 429 and 503, and what is told of each exchange on
 * stderr (never a body, never a credential). Leaves to `management-api.ts`: who is logged in, what a reply means.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { adviceFor, type ConnectionAdvice } from './connection-advice.ts';
import { failure } from './errors.ts';
import type { Report } from './report.ts';

export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

export interface Reply {
  readonly status: number;
  readonly reason: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Https {
  /** @throws CommandError (1) when there is no reply after some repeats. */
  send(exchange: Exchange): Promise<Reply>;
  close(): void;
}

const MOST_REPEATS = 4;
const TIMEOUT_MS = 60_000;
const LARGEST_REPLY = 64 * 1024 * 1024;
const LONGEST_WAIT_MS = 60_000;
const BUSY: ReadonlySet<number> = new Set([429, 503]);
const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** Never asked of a proxy, whatever NO_PROXY says: a server of this machine is not elsewhere. */
const THIS_MACHINE = ['localhost', '127.0.0.1', '::1', '[::1]'] as const;

/** `ca`: PEM text of the only authority to trust; null for the system's. `env`: HTTPS_PROXY and NO_PROXY, in either case. `advice`: what to do where there is no connection. */
export function createHttps(ca: string | readonly string[] | null, report: Report, env: NodeJS.ProcessEnv, advice: ConnectionAdvice): Https {
  const proxyEnv = proxyOf(env);
  const agent = new Agent({ keepAlive: true, ...(proxyEnv === null ? {} : { proxyEnv }), ...(ca === null ? {} : { ca: ca as string | string[] }) });

  async function attempt(exchange: Exchange): Promise<Reply | Error> {
    const started = performance.now();
    try {
      const reply = await once(agent, exchange);
      report.exchange(exchange, reply, performance.now() - started);
      return reply;
    } catch (error) {
      report.exchange(exchange, error as Error, performance.now() - started);
      return error as Error;
    }
  }

  return {
    async send(exchange) {
      for (let repeats = 0; ; repeats += 1) {
        const outcome = await attempt(exchange);
        const pause = repeats < MOST_REPEATS ? pauseBeforeRepeat(outcome, repeats) : null;
        if (pause !== null) await wait(pause);
        else if (outcome instanceof Error) throw noReply(exchange, outcome, proxyEnv !== null, advice);
        else return outcome;
      }
    },
    close: () => agent.destroy(),
  };
}

/** The variables for Node's own client, which passes over what it does not understand; null where no proxy is named. @throws CommandError (1). */
function proxyOf(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv | null {
  const proxy = env['https_proxy'] || env['HTTPS_PROXY'];
  if (!proxy) return null;
  // Not shown: it may have a password in it.
  if (!/^https?:\/\//i.test(proxy) || !URL.canParse(proxy)) throw failure('HTTPS_PROXY is no http or https URL. Write it as http://outbound.example.com:3128, or unset it.');
  return { HTTPS_PROXY: proxy, NO_PROXY: [env['no_proxy'] || env['NO_PROXY'], ...THIS_MACHINE].filter(Boolean).join(',') };
}

/** How long the server wants to be left alone, in milliseconds; null when it does not say. */
export function retryAfter(headers: IncomingHttpHeaders): number | null {
  const milliseconds = Number(headers['x-ms-retry-after-ms'] ?? Number(headers['retry-after'] ?? NaN) * 1000);
  return Number.isFinite(milliseconds) && milliseconds >= 0 ? Math.min(milliseconds, LONGEST_WAIT_MS) : null;
}

/** Milliseconds to wait before the same request is sent again; null when it is not worth a repeat. */
function pauseBeforeRepeat(outcome: Reply | Error, repeats: number): number | null {
  if (outcome instanceof Error) return CUT.has((outcome as NodeJS.ErrnoException).code ?? '') ? 100 * 2 ** repeats : null;
  return BUSY.has(outcome.status) ? (retryAfter(outcome.headers) ?? 1000 * 2 ** repeats) : null;
}

function once(agent: Agent, { method, url, headers, body }: Exchange): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = method === 'GET' || method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body ?? '')) };
    const sent = request(url, { method, agent, headers: { ...headers, ...length }, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST_REPLY) response.destroy(new Error('The reply is too large.'));
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, reason: response.statusMessage ?? '', headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no reply within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}

function noReply({ url }: Exchange, error: NodeJS.ErrnoException, mayBeProxy: boolean, advice: ConnectionAdvice): Error {
  const { origin, hostname } = new URL(url);
  if (mayBeProxy && !THIS_MACHINE.some((name) => name === hostname)) return failure(`No connection to ${origin}: ${error.message || error.code}. HTTPS_PROXY is set; check that the proxy lets this through, or name the host in NO_PROXY.`);
  return failure(`No connection to ${origin}: ${adviceFor(error.code ?? '', advice) ?? `${error.message || error.code}.`}`);
}
