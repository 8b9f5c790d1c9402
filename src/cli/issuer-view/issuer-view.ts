/**
 * An issuer as people want to see it: who signs and since when, what comes next and when, what a rotation waits for,
 * and the life of each key as a line.
 *
 * Pure: what the server says, the time and the width of the terminal in, lines out. All times are UTC.
 */
import type { IssuerBody, KeyBody } from '../../http/management/contract.ts';
import { lengthInWords } from '../lengths-of-time.ts';
import { keyStateInWords, timeInWords } from '../output/resources.ts';
import { waitingInWords } from '../waiting.ts';
import { timeline } from './timeline.ts';

type Properties = IssuerBody['properties'];

export function issuerView(issuer: IssuerBody, now: Date, width: number): readonly string[] {
  const { properties } = issuer;
  return [
    ...facts(issuer),
    '',
    'Keys',
    ...properties.keys.map((key) => `  ${key.kid}  ${keyStateInWords(key)}${liveTokens(key)}`),
    ...inTheClusterOnly(properties.verifyOnlyKeys),
    '',
    'What comes next (times are UTC)',
    ...comesNext(properties, now).map((line) => `  ${line}`),
    '',
    'Timeline',
    ...timeline(properties.keys, properties.calendar, now, width),
  ];
}

function facts({ id, properties }: IssuerBody): readonly string[] {
  const listed = properties.keys.filter(({ published, state }) => published && state !== 'revoked').length;
  const { rotateEverySeconds } = properties.rotationPolicy;
  return [
    `Issuer   ${properties.issuerURL}`,
    `Cluster  ${/\/managedclusters\/([^/]+)/i.exec(id)?.[1] ?? ''} (resource group ${/\/resourcegroups\/([^/]+)/i.exec(id)?.[1] ?? ''})`,
    `JWKS     ${properties.jwksURI} (${listed} keys, held in caches for up to ${lengthInWords(properties.maxAgeSeconds)})`,
    `Rotates  ${rotateEverySeconds === null ? 'by hand only' : `every ${lengthInWords(rotateEverySeconds)}${exceptIn(properties.freezeWindows)}`}`,
  ];
}

/** Keys that are not in the JWKS. A server that knows no such keys names none. */
const inTheClusterOnly = (keys: Properties['verifyOnlyKeys'] = []): readonly string[] =>
  keys.length === 0 ? [] : ['', 'Keys that verify in the cluster only', ...keys.map(({ kid, importedAt, expiresAt }) => `  ${kid}  imported ${timeInWords(importedAt)}${expiresAt === null ? '' : `, verifies until ${timeInWords(expiresAt)}`}`)];

/** A server that knows no freeze windows names none. */
const exceptIn = (windows: readonly string[] = []): string => (windows.length === 0 ? '' : `, except in ${windows.join(', ')} (UTC)`);

function liveTokens({ liveTokens: count, state }: KeyBody): string {
  if (count === 0) return '';
  if (state === 'revoked') return `, ${count} recorded ${count === 1 ? 'token does' : 'tokens do'} not verify any more`;
  return `, ${count} recorded ${count === 1 ? 'token lives' : 'tokens live'} on it`;
}

/** One line for each thing that is known to come, the soonest first; then what is waited for. */
function comesNext({ calendar, keys, pendingRotation, waiting }: Properties, now: Date): readonly string[] {
  const prepared = keys.find(({ state }) => state === 'prepared');
  const dated = [
    ...removals(keys),
    ...(calendar.nextRotationAt === null || prepared === undefined ? [] : [[calendar.nextRotationAt, `${prepared.kid} takes over (${causeInWords(calendar)})`] as const]),
  ].toSorted(([left], [right]) => Date.parse(left) - Date.parse(right));
  const lines = dated.map(([at, what]) => `${timeInWords(at)}  ${what}${until(at, now)}`);
  const pending = pendingRotation === null ? [] : [`A rotation was asked for at ${timeInWords(pendingRotation.requestedAt)} by ${pendingRotation.requestedBy}${waiting === null ? '' : `; it ${waitingInWords(waiting, now)}`}`];
  const all = [...pending, ...lines, ...(pendingRotation === null && calendar.nextRotationWaitsFor === 'signers' ? ["The next rotation by itself comes when every signer has acknowledged the last one: 'mintmark signer list' names those that have not"] : [])];
  return all.length === 0 ? ['Nothing until someone asks for it'] : all;
}

function causeInWords({ nextRotationCause, nextRotationFrozenSince = null }: Properties['calendar']): string {
  if (nextRotationCause === 'manual') return 'asked for by hand';
  return nextRotationFrozenSince === null ? 'by itself' : `by itself, at the end of a freeze; without it ${timeInWords(nextRotationFrozenSince)}`;
}

const removals = (keys: readonly KeyBody[]): readonly (readonly [string, string])[] =>
  keys.flatMap(({ kid, state, expiresAt }) => (state === 'retired' && expiresAt !== null ? [[expiresAt, `${kid} leaves the list`] as const] : []));

function until(at: string, now: Date): string {
  const seconds = (Date.parse(at) - now.getTime()) / 1000;
  return seconds > 0 ? `, in ${lengthInWords(seconds)}` : ', now';
}
