/** What a rotation waits for, in people's words. */
import type { IssuerBody } from '../http/management/contract.ts';
import { lengthInWords } from './lengths-of-time.ts';

type Waiting = NonNullable<IssuerBody['properties']['waiting']>;

/** The server's reasons; one that is not here is said as the server says it. */
const WORDS: ReadonlyMap<string, string> = new Map(Object.entries({
  'caches may hold the old JWKS': 'caches may hold the old list',
  'not confirmed by every publisher': 'the new list is not out everywhere yet',
  'the rotator is about to act': 'the key is about to switch',
  'a retired key still verifies': 'a retired key still verifies',
  'a freeze window is open': 'a freeze window is open',
  'rotation off': 'automatic rotation is off',
  'not due': 'the period is not over',
}));

/** `waits 6 min: caches may hold the old list`. */
export function waitingInWords({ reason, until }: Waiting, now: Date): string {
  const words = WORDS.get(reason) ?? reason;
  const seconds = until === null ? 0 : (Date.parse(until) - now.getTime()) / 1000;
  return seconds > 0 ? `waits ${lengthInWords(seconds)}: ${words}` : `waits: ${words}`;
}
