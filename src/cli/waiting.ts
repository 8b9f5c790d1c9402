/** What a rotation waits for, in people's words. */
import type { IssuerBody } from '../http/management/contract.ts';
import { lengthInWords } from './lengths-of-time.ts';
import { timeInWords } from './output/resources.ts';

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

/** From how long ago on a signer's last contact is told as silence, in milliseconds: one that is there asks at least once a minute. */
const SILENT_AFTER = 120_000;

/** `waits 6 min: caches may hold the old list`, `waits for cp-2, silent since 09:14`. Times are UTC. */
export function waitingInWords({ reason, until, signers = [] }: Waiting, now: Date): string {
  if (signers.length > 0) return `waits for ${signers.map((signer) => signerInWords(signer, now)).join(' and for ')}`;
  const words = WORDS.get(reason) ?? reason;
  const seconds = until === null ? 0 : (Date.parse(until) - now.getTime()) / 1000;
  return seconds > 0 ? `waits ${lengthInWords(seconds)}: ${words}` : `waits: ${words}`;
}

/** The same for the same wait: its reason and whom it is for, without what changes meanwhile. */
export const waitedFor = ({ reason, signers = [] }: Waiting): string => JSON.stringify([reason, ...signers.map(({ name }) => name)]);

function signerInWords({ name, since, refusesSince }: NonNullable<Waiting['signers']>[number], now: Date): string {
  const isThere = now.getTime() - Date.parse(since) < SILENT_AFTER;
  if (isThere && refusesSince !== undefined) return `${name}, which refuses the key ring since ${shortTime(refusesSince, now)} (its log says why; 'signer list' says what to do)`;
  return isThere ? `${name}, which is there and has not acknowledged yet` : `${name}, silent since ${shortTime(since, now)}`;
}

/** The time alone where it is of today. */
function shortTime(time: string, now: Date): string {
  const [at, today] = [timeInWords(time), timeInWords(now.toISOString())];
  return at.slice(0, 10) === today.slice(0, 10) ? at.slice(11, 16) : at.slice(0, 16);
}
