/** Kubernetes versions: which minors are known, which are too old, and what follows from one (R1, R10). */
import { MintmarkError } from './errors.ts';

/** The minors of Kubernetes 1 that Mintmark knows, oldest first. */
export const KNOWN_MINORS = [22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37] as const;

const OLDEST = KNOWN_MINORS[0];
/** The newest of them. */
export const NEWEST_MINOR: number = KNOWN_MINORS[KNOWN_MINORS.length - 1]!;
/** From this minor on a new cluster has an issuer unless it is refused explicitly. */
const ISSUER_BY_DEFAULT_FROM = 34;

/** What an empty version means. */
export const DEFAULT_VERSION = `1.${NEWEST_MINOR}`;

export interface KubernetesVersion {
  /** As it was given: `1.34` or `1.34.2`. */
  readonly text: string;
  readonly minor: number;
}

/**
 * Reads a version; an empty one is the newest known minor.
 * @throws MintmarkError `UnsupportedKubernetesVersion` for one that is malformed or older than 1.22.
 */
export function parseKubernetesVersion(text: string): KubernetesVersion {
  const given = text === '' ? DEFAULT_VERSION : text;
  const match = /^1\.(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,3}))?$/.exec(given);
  if (match === null) throw unsupported(`'${given.slice(0, 40)}' is no Kubernetes version: write it as 1.${NEWEST_MINOR} or 1.${NEWEST_MINOR}.1.`);
  const minor = Number(match[1]);
  if (minor < OLDEST) throw unsupported(`Kubernetes ${given} is too old: an issuer needs 1.${OLDEST} or later.`);
  return { text: given, minor };
}

/** A sentence for the person who gave a version that is newer than any known one; null otherwise. */
export const versionWarning = ({ text, minor }: KubernetesVersion): string | null =>
  minor > NEWEST_MINOR ? `Kubernetes ${text} is newer than 1.${NEWEST_MINOR}, the newest that this Mintmark knows; it is accepted as given.` : null;

export const hasIssuerByDefault = ({ minor }: KubernetesVersion): boolean => minor >= ISSUER_BY_DEFAULT_FROM;

function unsupported(message: string): MintmarkError {
  return new MintmarkError('UnsupportedKubernetesVersion', message, { target: 'properties.kubernetesVersion' });
}
