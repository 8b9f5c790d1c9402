/** Requests that no client should send, between those that are right: refused in the same words whoever sends them, before or after the guard. */
import * as fc from 'fast-check';
import type { Layer, Refusal } from './api-model.ts';
import { deed, guard, INVALID_CONTENT, pathOf, type Place, place, shown } from './api-places.ts';
import type { ApiRun, Sent } from './api-run.ts';

interface Bad {
  readonly what: string;
  readonly sent: (at: Place) => Omit<Sent, 'who'>;
  readonly refusal: Refusal;
  /** Refused before it is known who asks. */
  readonly early?: true;
}

const put = (raw: string, headers: Readonly<Record<string, string>> = {}) => (at: Place): Omit<Sent, 'who'> => ({ method: 'PUT', path: pathOf(at, 'cluster'), raw, headers });
const list = (query: string) => (at: Place): Omit<Sent, 'who'> => ({ method: 'GET', path: `${pathOf(at, 'subscription', '/resourceGroups')}?${query}` });

const BAD: readonly Bad[] = [
  { what: 'no JSON', sent: put('{"tags":'), refusal: INVALID_CONTENT },
  { what: 'a list', sent: put('[]'), refusal: INVALID_CONTENT },
  { what: 'nothing', sent: put('', { 'content-type': 'application/json' }), refusal: INVALID_CONTENT },
  { what: '__proto__', sent: put('{"properties":{"__proto__":{"enabled":true}}}'), refusal: INVALID_CONTENT },
  { what: 'too deep', sent: put(`{"properties":${'['.repeat(70)}${']'.repeat(70)}}`), refusal: INVALID_CONTENT },
  { what: 'half a surrogate in a tag of the wrong type', sent: put('{"tags":{"a":{"b":"\\ud800"}}}'), refusal: INVALID_CONTENT },
  { what: 'text', sent: put('{}', { 'content-type': 'text/plain' }), refusal: [415, 'UnsupportedMediaType'] },
  { what: 'a form', sent: put('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), refusal: [415, 'UnsupportedMediaType'] },
  { what: 'two megabytes', sent: put(' '.repeat(2 * 1024 * 1024)), refusal: [413, 'RequestTooLarge'] },
  { what: '$top=0', sent: list('$top=0'), refusal: [400, 'InvalidQueryParameter'] },
  { what: '$top twice', sent: list('$top=1&$top=2'), refusal: [400, 'InvalidQueryParameter'] },
  { what: '$top=1e1', sent: list('$top=1e1'), refusal: [400, 'InvalidQueryParameter'] },
  { what: 'a request id with a space', sent: (at) => ({ method: 'GET', path: pathOf(at, 'cluster'), headers: { 'x-ms-client-request-id': 'a b' } }), refusal: INVALID_CONTENT, early: true },
  { what: 'OPTIONS', sent: (at) => ({ method: 'OPTIONS', path: pathOf(at, 'cluster') }), refusal: [405, 'MethodNotAllowed'], early: true },
  { what: 'POST to a list', sent: () => ({ method: 'POST', path: '/subscriptions', body: {} }), refusal: [405, 'MethodNotAllowed'], early: true },
  { what: 'an unknown action', sent: (at) => ({ method: 'POST', path: pathOf(at, 'cluster', '/explode') }), refusal: [404, 'InvalidPath'], early: true },
  { what: 'bad percent-encoding', sent: () => ({ method: 'GET', path: '/subscriptions/%E0%A4%A/resourceGroups' }), refusal: [404, 'InvalidPath'], early: true },
  { what: 'a name of 1025 characters', sent: () => ({ method: 'GET', path: `/subscriptions/${'x'.repeat(1025)}` }), refusal: [400, 'InvalidResourceName'], early: true },
];

/** The guard of what the request is for. */
const guarded = (run: ApiRun, at: Place, { method }: Pick<Sent, 'method'>): readonly Layer[] => (method === 'PUT' ? guard(run, at, 'Contributor', 'cluster') : guard(run, at, 'Reader', 'subscription'));

export const BAD_REQUESTS = fc.record({ at: place, bad: fc.constantFrom(...BAD) }).map(({ at, bad: { what, sent, refusal, early } }) =>
  deed(`${what} ${shown(at, 'group', 'cluster')}`, async (run) => {
    const request = sent(at);
    await run.ask({ who: at.who, ...request }, ...(early === true ? [] : guarded(run, at, request)), [refusal]);
  }));
