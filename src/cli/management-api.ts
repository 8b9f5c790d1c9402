/**
 * The management API as commands use it: logged in, JSON in and out, refusals as `CommandError`.
 *
 * Owns: the access token, which goes to the endpoint of the profile only, and one fresh login after a 401, the request
 * id (the same on every repeat, so that a repeated POST is one action), lists page by page, warnings of the server, and
 * following a long-running operation.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { OperationBody } from '../http/management/contract.ts';
import type { AccessToken } from './access-token.ts';
import { linkedUrl, urlOf } from './endpoint-urls.ts';
import { errorText, failure, readFacts, serverError } from './errors.ts';
import { type Https, type Reply, retryAfter } from './https-exchange.ts';
import { NO_PROGRESS, type Progress } from './progress.ts';
import { assertNoRedirect, bodyOf, noMintmark } from './reply-body.ts';
import type { Report } from './report.ts';
import { waitedFor, waitingInWords } from './waiting.ts';
import { warningTexts } from './warning-header.ts';

export interface ManagementApi {
  /** The body of the reply. @throws CommandError: 3 for 404, 1 for any other refusal. */
  get<Body>(path: string): Promise<Body>;
  /** All items of a list, over all its pages. @throws CommandError (1) when they do not end. */
  list<Item>(path: string): Promise<readonly Item[]>;
  send(method: 'PUT' | 'POST' | 'DELETE' | 'HEAD', path: string, body?: unknown): Promise<Reply>;
  /** Waits for the end of what a reply started. Null when the reply was the end of it. @throws CommandError (1) when it failed. */
  follow(reply: Reply, how?: { readonly silent: boolean }): Promise<OperationBody | null>;
}

interface Parts {
  /** Base URL of the API, without a trailing slash. */
  readonly endpoint: string;
  readonly https: Https;
  readonly token: AccessToken;
  readonly report: Report;
  readonly progress: Progress;
  readonly now: () => number;
}

const DEFAULT_POLL_MS = 1000;
const SHORTEST_POLL_MS = 50;
const MOST_PAGES = 10_000;

export function createManagementApi(parts: Parts): ManagementApi {
  const { endpoint, progress } = parts;
  const send: Send = (method, url, body) => progress.during('Running', () => sendLoggedIn(parts, method, url, body));

  return {
    get: async <Body>(path: string) => bodyOf<Body>(await send('GET', urlOf(endpoint, path))),
    list: (path) => list(endpoint, send, urlOf(endpoint, path)),
    send: (method, path, body) => send(method, urlOf(endpoint, path), body),
    follow: (reply, { silent } = { silent: false }) => (silent ? follow({ ...parts, progress: NO_PROGRESS }, send, reply) : progress.during('Running', () => follow(parts, send, reply))),
  };
}

type Send = (method: string, url: URL, body?: unknown) => Promise<Reply>;

async function sendLoggedIn({ https, token, report }: Parts, method: string, url: URL, body: unknown): Promise<Reply> {
  const requestId = randomUUID();
  const attempt = (accessToken: string): Promise<Reply> => https.send({
    method, url: url.href, body: body === undefined ? undefined : JSON.stringify(body),
    headers: { accept: 'application/json', authorization: `Bearer ${accessToken}`, 'x-ms-client-request-id': requestId, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  });
  const first = await attempt(await token.get());
  const reply = first.status === 401 ? await attempt(await token.renew()) : first;
  for (const text of warningTexts(reply.headers.warning)) report.warn(text);
  assertNoRedirect(reply);
  if (reply.status >= 400) throw serverError(reply.status, reply.reason, reply.body);
  return reply;
}

/** What a list has to be; read from whatever was sent. */
interface Page {
  readonly value?: unknown;
  readonly nextLink?: unknown;
}

async function list<Item>(endpoint: string, send: Send, first: URL): Promise<readonly Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  for (let url: URL | null = first; url !== null;) {
    if (seen.has(url.href)) throw failure(`The list does not end: after ${seen.size} pages the server linked to ${url.href} again. This is a fault of the server.`);
    if (seen.size === MOST_PAGES) throw failure(`The list does not end: it has more than ${MOST_PAGES} pages. This is a fault of the server.`);
    seen.add(url.href);
    const { value, nextLink }: Page = bodyOf<Page>(await send('GET', url));
    if (!Array.isArray(value)) throw noMintmark('a list without its items');
    for (const item of value as readonly Item[]) items.push(item);
    url = typeof nextLink === 'string' && nextLink !== '' ? linkedUrl(endpoint, nextLink) : null;
  }
  return items;
}

async function follow(parts: Parts, send: Send, started: Reply): Promise<OperationBody | null> {
  const operation = header(parts, started, 'azure-asyncoperation');
  if (operation !== null) return followOperation(parts, send, operation);
  const location = started.status === 202 ? header(parts, started, 'location') : null;
  if (location !== null) await followLocation(send, location);
  return null;
}

async function followOperation({ progress, now }: Parts, send: Send, url: URL): Promise<OperationBody> {
  for (;;) {
    const reply = await send('GET', url);
    const operation = bodyOf<OperationBody>(reply);
    if (operation.status === 'Succeeded') return operation;
    if (operation.status !== 'InProgress') throw failure(errorText(readFacts(operation.error) ?? { code: String(operation.status), message: `The operation ended as ${String(operation.status)}.` }));
    const waiting = operation.properties?.waiting ?? null;
    if (waiting !== null) progress.say(() => `The operation ${waitingInWords(waiting, new Date(now()))}`, waitedFor(waiting));
    await pause(reply);
  }
}

async function followLocation(send: Send, url: URL): Promise<void> {
  for (let reply = await send('GET', url); reply.status === 202; reply = await send('GET', url)) await pause(reply);
}

const pause = (reply: Reply): Promise<void> => wait(Math.max(SHORTEST_POLL_MS, retryAfter(reply.headers) ?? DEFAULT_POLL_MS));

function header({ endpoint }: Parts, reply: Reply, name: string): URL | null {
  const value = reply.headers[name];
  return typeof value === 'string' && value !== '' ? linkedUrl(endpoint, value) : null;
}
