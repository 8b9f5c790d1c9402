/**
 * What a signer is given to enrol with: `mmse_…` for one use, `mmsj_…` for machines that come and go. One word, in which
 * is where the server is and how to know it, so that no certificate has to be trusted beforehand.
 */
import { SIGNER_NAME } from './signer-name.ts';

/** One use, within the hour; or reusable, with limits of its own. */
export const ENROLMENT_KINDS = { once: 'mmse_', join: 'mmsj_' } as const satisfies Record<string, string>;

export type EnrolmentKind = keyof typeof ENROLMENT_KINDS;

export interface EnrolmentToken {
  readonly kind: EnrolmentKind;
  /** The server's URL for signers, without a path. */
  readonly url: string;
  /** SHA-256 (hex) of the certificate (DER) that ends the server's chain; null where the system's trust is meant. */
  readonly ca: string | null;
  /** Thumbprint (RFC 7638) of the key that signs rings. */
  readonly ringSigningKey: string;
  /** For which signer it is, so that another name is refused before it is used up; null for any. The server goes by what it has itself. */
  readonly name: string | null;
  /** Which credential of the server it is. */
  readonly id: string;
  readonly secret: string;
}

const FORM = 1;
const LONGEST = 2000;

export function enrolmentTokenText({ kind, url, ca, ringSigningKey, name, id, secret }: EnrolmentToken): string {
  const json = JSON.stringify({ v: FORM, url, ca, rsk: ringSigningKey, ...(name === null ? {} : { name }), id, secret });
  return `${ENROLMENT_KINDS[kind]}${btoa(json).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** Null for anything that is no such token. Space around it, which files and copies have, does not count. */
export function parseEnrolmentToken(text: string): EnrolmentToken | null {
  const word = text.trim();
  const kind = (Object.keys(ENROLMENT_KINDS) as EnrolmentKind[]).find((name) => word.startsWith(ENROLMENT_KINDS[name]));
  if (kind === undefined || word.length > LONGEST) return null;
  const { v, url, ca, rsk, name = null, id, secret } = membersOf(word.slice(ENROLMENT_KINDS[kind].length));
  if (v !== FORM || !isText(url) || !isHttps(url) || !isText(rsk) || !isText(id) || !isText(secret)) return null;
  if (ca !== null && !(isText(ca) && /^[\da-f]{64}$/.test(ca))) return null;
  if (name !== null && !(isText(name) && SIGNER_NAME.test(name))) return null;
  return { kind, url, ca, ringSigningKey: rsk, name, id, secret };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isHttps = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === 'https:';

function membersOf(encoded: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(atob(encoded.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
