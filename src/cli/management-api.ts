/**
 * The management API as commands use it: logged in, JSON in and out, refusals as `CommandError`.
 *
 * Owns: the access token and one fresh login after a 401, the request id (the same on every repeat, so that a repeated
 * POST is one action), lists page by page, warnings of the server, and following a long-running operation.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { OperationBody } from '../http/management/contract.ts';
import type { AccessToken } from './access-token.ts';
import { errorText, failure, serverError } from './errors.ts';
import { type Https, type Reply, retryAfter } from './https-exchange.ts';
import type { Progress } from './progress.ts';
import { bodyOf } from './reply-body.ts';
import type { Report } from './report.ts';
import { waitingInWords } from './waiting.ts';
import { warningTexts } from './warning-header.ts';

export interface ManagementApi {
  /** The body of the reply. @throws CommandError: 3 for 404, 1 for any other refusal. */
  get<Body>(path: string): Promise<Body>;
  /** All items of a list, over all its pages. */
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

export function createManagementApi(parts: Parts): ManagementApi {
  const { progress } = parts;
  const send = (method: string, path: string, body?: unknown): Promise<Reply> => progress.during('Running', () => sendLoggedIn(parts, method, path, body));
  const get = async <Body>(path: string): Promise<Body> => bodyOf<Body>(await send('GET', path));

  return {
    get,
    send,
    async list<Item>(path: string): Promise<readonly Item[]> {
      const items: Item[] = [];
      for (let next: string | undefined = path; next !== undefined;) {
        const page: { value: Item[]; nextLink?: string } = await get(next);
        items.push(...page.value);
        next = page.nextLink === undefined || page.nextLink === null ? undefined : pathOf(page.nextLink);
      }
      return items;
    },
    follow: (reply, { silent } = { silent: false }) => (silent ? follow(parts, send, reply) : progress.during('Running', () => follow(parts, send, reply))),
  };
}

async function sendLoggedIn({ endpoint, https, token, report }: Parts, method: string, path: string, body: unknown): Promise<Reply> {
  const requestId = randomUUID();
  const attempt = (accessToken: string): Promise<Reply> => https.send({
    method, url: endpoint + path, body: body === undefined ? undefined : JSON.stringify(body),
    headers: { accept: 'application/json', authorization: `Bearer ${accessToken}`, 'x-ms-client-request-id': requestId, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  });
  const first = await attempt(await token.get());
  const reply = first.status === 401 ? await attempt(await token.renew()) : first;
  for (const text of warningTexts(reply.headers.warning)) report.warn(text);
  if (reply.status >= 400) throw serverError(reply.status, reply.reason, reply.body);
  return reply;
}

/** Absolute links of replies lead back to the endpoint of the profile, so that a token goes nowhere else. */
function pathOf(link: string): string {
  const { pathname, search } = new URL(link, 'https://localhost');
  return pathname + search;
}

type Send = (method: string, path: string) => Promise<Reply>;

async function follow(parts: Parts, send: Send, started: Reply): Promise<OperationBody | null> {
  const operation = header(started, 'azure-asyncoperation');
  const location = header(started, 'location');
  if (operation !== null) return followOperation(parts, send, operation);
  if (location !== null && started.status === 202) await followLocation(send, location);
  return null;
}

async function followOperation({ progress, now }: Parts, send: Send, path: string): Promise<OperationBody> {
  for (;;) {
    const reply = await send('GET', path);
    const operation = bodyOf<OperationBody>(reply);
    if (operation.status === 'Succeeded') return operation;
    if (operation.status !== 'InProgress') throw failure(errorText(operation.error ?? { code: operation.status, message: `The operation ended as ${operation.status}.` }));
    const waiting = operation.properties?.waiting ?? null;
    if (waiting !== null) progress.say(() => waitingInWords(waiting, new Date(now())));
    await pause(reply);
  }
}

async function followLocation(send: Send, path: string): Promise<void> {
  for (let reply = await send('GET', path); reply.status === 202; reply = await send('GET', path)) await pause(reply);
}

const pause = (reply: Reply): Promise<void> => wait(Math.max(SHORTEST_POLL_MS, retryAfter(reply.headers) ?? DEFAULT_POLL_MS));

function header(reply: Reply, name: string): string | null {
  const value = reply.headers[name];
  return typeof value === 'string' && value !== '' ? pathOf(value) : null;
}
