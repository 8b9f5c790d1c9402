/**
 * What a rotation or revocation breaks, said before it is asked for and again after it was done (R6).
 *
 * Pure: from an issuer as the server shows it to sentences. Leaves printing to the commands.
 */
import type { IssuerBody, KeyBody } from '../../http/management/contract.ts';
import { failure } from '../errors.ts';
import { lengthInWords } from '../lengths-of-time.ts';

/** The line that gives the pods of a namespace new tokens. */
const RESTART = 'kubectl rollout restart deployment,statefulset,daemonset --namespace NAMESPACE';

/** What the sentences are made of. */
export interface Facts {
  readonly issuer: IssuerBody;
  /** Whether the issuer has, or had, signers: API servers that sign with its keys, whose tokens nobody counts. */
  readonly hasSigners: boolean;
}

/** What becomes of the tokens of a key: those that the server remembers by number, those that API servers made as such. */
function lost(count: number, hasSigners: boolean): string {
  if (count === 0) return hasSigners ? 'tokens that API servers signed with it will not verify any more, and their number is not known' : 'no recorded token lives on it (those that API servers signed are not recorded)';
  const recorded = count === 1 ? '1 recorded token lives on it and will not verify any more' : `${count} recorded tokens live on it and will not verify any more`;
  return hasSigners ? `${recorded}, nor will those that API servers signed with it, whose number is not known` : recorded;
}
const isLive = (key: KeyBody): boolean => key.state !== 'revoked';
/** One that was imported may have signed elsewhere before. */
const hasNeverSigned = ({ state, origin }: KeyBody): boolean => state === 'prepared' && origin === 'generated';

/**
 * Refuses at once what the server would refuse: to revoke retired keys unasked, where it is set to be asked.
 * @throws CommandError (1).
 */
export function assertAskedFor({ issuer, hasSigners }: Facts, asked: boolean): void {
  const { rotationWouldRevoke, secondRotation, pendingRotation } = issuer.properties;
  if (asked || !mustBeAsked(secondRotation) || pendingRotation !== null || rotationWouldRevoke.length === 0) return;
  const keys = rotationWouldRevoke.map(({ kid, liveTokens }) => `Rotating now would revoke the retired key ${kid}: ${lost(liveTokens, hasSigners)}.`);
  throw failure(`${keys.join(' ')} This server does so only when it is asked for, and nothing was changed. Wait until it has left the JWKS ('issuer show' says when), or add --revoke-previous.`);
}

/** A server that is older than the choice does not say it, and revokes. */
const mustBeAsked = (secondRotation: IssuerBody['properties']['secondRotation'] | undefined): boolean => secondRotation === 'confirm';

/** What is asked before a rotation by hand. What rotating again would do is said by what the server would do then. */
export const rotationQuestion = ({ issuer: { properties } }: Facts): string => [
  'The active key retires: its tokens verify until they end, for 24 hours at the most.',
  ...(mustBeAsked(properties.secondRotation) ? [] : ['Rotating again within that time revokes it, and invalidates its tokens immediately.']),
  'Do you wish to continue?',
].join(' ');

/** A rotation by hand revokes the keys that are retired already, each as soon as no signer signs with it any more. */
export const beforeRotation = ({ issuer: { properties: { keys, rotationWouldRevoke } }, hasSigners }: Facts): readonly string[] =>
  rotationWouldRevoke.map(({ kid, liveTokens }) => {
    const isSettled = keys.some((key) => key.kid === kid && key.expiresAt !== null);
    return `Key ${kid} is retired and will be revoked ${isSettled ? 'at once' : 'as soon as every signer has acknowledged that it signs no more'}: ${lost(liveTokens, hasSigners)}.`;
  });

/** Forced: relying parties may hold a list without the key that signs next. */
export const beforeForce = (facts: Facts, now: Date): readonly string[] => [...beforeRotation(facts), ...beforeItIsReady(facts.issuer, now)];

/** What it means that the prepared key signs now; nothing when it is ready to. */
function beforeItIsReady({ properties: { calendar, maxAgeSeconds, publicationGapSeconds } }: IssuerBody, now: Date): readonly string[] {
  if (calendar.preparedReadyAt !== null && Date.parse(calendar.preparedReadyAt) <= now.getTime()) return [];
  return [`The prepared key signs at once, before every cache has it: relying parties that hold the old list refuse its tokens for up to ${lengthInWords(maxAgeSeconds)}, behind some CDNs ${lengthInWords(publicationGapSeconds)}.`];
}

/** Emergency: nothing that was signed until now verifies any more. */
export function beforeEmergency({ issuer: { properties }, hasSigners }: Facts): readonly string[] {
  const gone = properties.keys.filter(isLive);
  return [
    ...gone.map((key) => `Key ${key.kid} will be revoked at once: ${hasNeverSigned(key) ? 'it has signed nothing yet' : lost(key.liveTokens, hasSigners)}.`),
    `Relying parties that hold the old list refuse the new tokens, and accept the old ones, for up to ${lengthInWords(properties.maxAgeSeconds)}.`,
  ];
}

/** One key, by what it does now. Empty for a key that is not in the ring: the server says so. */
export function beforeRevocation({ issuer, hasSigners }: Facts, kid: string, now: Date): readonly string[] {
  const { properties } = issuer;
  const key = properties.keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) return [];
  const caches = `Relying parties that hold the old list accept it for up to ${lengthInWords(properties.maxAgeSeconds)}.`;
  const words = {
    prepared: [`Key ${kid} has signed nothing yet; another key takes its place and has to be published before it can sign.`],
    active: [`Key ${kid} signs now: ${lost(key.liveTokens, hasSigners)}. The prepared key takes its place.`, ...beforeItIsReady(issuer, now), caches],
    retired: [`Key ${kid} is retired: ${lost(key.liveTokens, hasSigners)}.`, caches],
    revoked: [`Key ${kid} is revoked already; nothing will change.`],
  } as const satisfies Record<KeyBody['state'], readonly string[]>;
  return words[key.state];
}

/** What to do once keys are revoked; nothing when no pod can hold a token of one. `before`: the issuer as it was. */
export function afterRevocation({ properties }: IssuerBody, all: readonly string[]): readonly string[] {
  const harmless = new Set(properties.keys.filter((key) => key.activatedAt === null || key.state === 'revoked').map(({ kid }) => kid));
  const revoked = all.filter((kid) => !harmless.has(kid));
  if (revoked.length === 0) return [];
  const [keys, are] = revoked.length === 1 ? ['Key', 'is'] : ['Keys', 'are'];
  return [`${keys} ${revoked.join(', ')} ${are} revoked. Pods that hold a token of a revoked key must be restarted, because the kubelet replaces tokens by time only: ${RESTART}`];
}
