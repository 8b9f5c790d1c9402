/**
 * The flags of a kube-apiserver that takes part, for its version, distribution and way. Pure: facts in, flags out.
 *
 * Leaves to `flag-forms.ts` and `patches.ts` how they are written down. Source: kube-apiserver's reference, KEP-740.
 */
import { MintmarkError } from '../domain/errors.ts';
import { type AttachedWay, type Distribution, factsOf, type Way } from './distributions.ts';

export interface ApiServerFlag {
  /** Without the two hyphens. */
  readonly name: string;
  readonly value: string;
}

/** `accept`: as before, but our tokens verify. `sign`: ours, and the former tokens verify. */
export type Stage = 'accept' | 'sign';

export interface Attachment {
  readonly distribution: Distribution;
  readonly way: AttachedWay;
  /** Of Kubernetes 1: 34 for 1.34. */
  readonly minor: number;
  readonly stage: Stage;
  readonly issuerUrl: string;
  readonly jwksUri: string;
  /** Stay accepted, so that pods keep working (R9); the one that signed stands first. Empty: nothing was issued before. */
  readonly formerIssuers: readonly string[];
  /** Files with the keys of former tokens, as the API server sees them. External signing has them from the signer. */
  readonly formerKeyFiles: readonly string[];
  readonly socket: string;
  /** Folder of `sa.key`, `sa.pub` and `accepted.pub`, as the API server sees it. */
  readonly keyFolder: string;
  /** Turn the feature gate on, where external signing is alpha. */
  readonly useAlpha: boolean;
  /** Leave the kubelet's tokens for the API server their year (key files) or day (external). */
  readonly keepAutoExtension: boolean;
}

/** From which minor on external signing is there as alpha, and from which it is on. */
const EXTERNAL_ALPHA = 32;
const EXTERNAL_BETA = 34;
export const SIGNER_FEATURE_GATE = 'ExternalServiceAccountTokenSigner=true';

/** The folder and socket of the signer on the API server's host, unless flags say otherwise. */
export const DEFAULT_SOCKET = '/run/mintmark/signer.sock';
export const DEFAULT_KEY_FOLDER = '/var/lib/mintmark-signer/api-server';

/** Names of files in the key folder. `accepted.pub` holds our public keys while the API server still signs as before. */
export const KEY_FILES = { privateKey: 'sa.key', publicKeys: 'sa.pub', acceptedKeys: 'accepted.pub' } as const;

/**
 * @throws MintmarkError `ImpossibleAttachment` for a pair of the truth table that is impossible, and for external
 * signing on a Kubernetes that has it not, or only as alpha and `useAlpha` is false.
 */
export function assertPossible({ distribution, way, minor, useAlpha }: Pick<Attachment, 'distribution' | 'way' | 'minor' | 'useAlpha'>): void {
  const { name, ways } = factsOf(distribution);
  if (!ways.external.possible && !ways['key-files'].possible) throw impossible(`${name} can not be attached in any way today. By ${WORDS.external}: ${ways.external.why} By ${WORDS['key-files']}: ${ways['key-files'].why}`);
  if (!ways[way].possible) throw impossible(`${name} can not be attached by ${WORDS[way]}: ${ways[way].why}${ways['key-files'].possible ? ' Key files are possible: --mode key-files.' : ''}`);
  if (way !== 'external' || minor >= EXTERNAL_BETA) return;
  if (minor < EXTERNAL_ALPHA) throw impossible(`Kubernetes 1.${minor} has no external signing: it began in 1.${EXTERNAL_ALPHA} as alpha, and is on from 1.${EXTERNAL_BETA}. Use key files: --mode key-files.`);
  if (!useAlpha) throw impossible(`In Kubernetes 1.${minor} external signing is alpha and off. Add --use-alpha to turn its feature gate on (the API server then serves no discovery documents of its own), or use key files: --mode key-files.`);
}

const WORDS = { external: 'external signing', 'key-files': 'key files' } as const satisfies Record<AttachedWay, string>;
const impossible = (message: string): MintmarkError => new MintmarkError('ImpossibleAttachment', message);

/** The way that a version and distribution have by themselves: external signing where it is on. */
export const defaultWay = (distribution: Distribution, minor: number): AttachedWay =>
  factsOf(distribution).ways.external.possible && minor >= EXTERNAL_BETA ? 'external' : 'key-files';

/**
 * The way that is asked for, or else the default one.
 * @throws MintmarkError `ImpossibleAttachment` for `followed`, which attaches nothing. Whether another one is possible: `assertPossible`.
 */
export function chosenWay(asked: Way | null, distribution: Distribution, minor: number): AttachedWay {
  if (asked !== 'followed') return asked ?? defaultWay(distribution, minor);
  const { name, ways } = factsOf(distribution);
  throw impossible(`${name} can not be followed: ${ways.followed.why}`);
}

/** All flags, the first issuer being the one that signs. @throws MintmarkError as `assertPossible`. */
export function apiServerFlags(attachment: Attachment): readonly ApiServerFlag[] {
  assertPossible(attachment);
  return attachment.stage === 'accept' ? acceptingFlags(attachment) : signingFlags(attachment);
}

/** The signing key stays where it is, and is therefore no flag of ours here. */
function acceptingFlags({ issuerUrl, formerIssuers, formerKeyFiles, keyFolder }: Attachment): readonly ApiServerFlag[] {
  return [
    ...issuers([...formerIssuers, issuerUrl]),
    ...keyFiles([...formerKeyFiles, `${keyFolder}/${KEY_FILES.acceptedKeys}`]),
  ];
}

function signingFlags(attachment: Attachment): readonly ApiServerFlag[] {
  const { issuerUrl, formerIssuers, jwksUri, way } = attachment;
  return [
    ...issuers([issuerUrl, ...formerIssuers]),
    { name: 'service-account-jwks-uri', value: jwksUri },
    ...(way === 'external' ? externalFlags(attachment) : keyFileFlags(attachment)),
  ];
}

function externalFlags({ socket, minor, keepAutoExtension }: Attachment): readonly ApiServerFlag[] {
  return [
    { name: 'service-account-signing-endpoint', value: socket },
    ...(keepAutoExtension ? [] : [NO_EXTENSION]),
    ...(minor < EXTERNAL_BETA ? [{ name: 'feature-gates', value: SIGNER_FEATURE_GATE }] : []),
  ];
}

/** The signer's maximum does not reach an API server that signs by itself: so the flags say it. */
function keyFileFlags({ keyFolder, formerKeyFiles, keepAutoExtension }: Attachment): readonly ApiServerFlag[] {
  return [
    { name: 'service-account-signing-key-file', value: `${keyFolder}/${KEY_FILES.privateKey}` },
    ...keyFiles([`${keyFolder}/${KEY_FILES.publicKeys}`, ...formerKeyFiles]),
    { name: 'service-account-max-token-expiration', value: '24h0m0s' },
    ...(keepAutoExtension ? [] : [NO_EXTENSION]),
  ];
}

const NO_EXTENSION: ApiServerFlag = { name: 'service-account-extend-token-expiration', value: 'false' };

const issuers = (urls: readonly string[]): readonly ApiServerFlag[] => [...new Set(urls)].map((value) => ({ name: 'service-account-issuer', value }));

const keyFiles = (files: readonly string[]): readonly ApiServerFlag[] => files.map((value) => ({ name: 'service-account-key-file', value }));

/** `--name=value`. */
export const flagText = ({ name, value }: ApiServerFlag): string => `--${name}=${value}`;
