/**
 * The issuer: who says "these tokens are of that cluster", under a URL that never changes.
 *
 * Owns: what an issuer is, how its URL is rendered once from a template, what a valid one looks like, and the paths
 * of its two documents. Leaves to `key-ring.ts`: its keys.
 */
import { MintmarkError } from './errors.ts';

export interface Issuer {
  /** Random, never changes, is never used again; the last part of the URL. */
  readonly id: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** The cluster that it was made for, as its lower-case resource id. */
  readonly clusterId: string;
  /** Byte-exact, trailing slash included; compared as a string everywhere. */
  readonly url: string;
  /** The URL's path as it is sent on the wire: what the public host matches, byte for byte. */
  readonly path: string;
  readonly region: string;
  /** Who holds the keys: this server. */
  readonly mode: 'managed';
  readonly createdAt: Date;
  /** When its cluster was deleted; the documents stay until the last token has ended. */
  readonly deletedAt: Date | null;
}

export const DISCOVERY_SUFFIX = '.well-known/openid-configuration';
export const JWKS_SUFFIX = 'openid/v1/jwks';

/** The strictest limit of a relying party (Entra ID). */
const LONGEST_URL = 600;
const PLACES = ['region', 'tenantId', 'uuid'] as const;

export type IssuerUrlParts = Readonly<Record<(typeof PLACES)[number], string>>;

/**
 * Renders `https://{region}.oic.example.com/{tenantId}/{uuid}/` for one issuer (R3).
 * @throws MintmarkError `InvalidConfiguration` when the template lacks `{uuid}` or does not give a valid issuer URL.
 */
export function renderIssuerUrl(template: string, parts: IssuerUrlParts): string {
  if (!template.includes('{uuid}')) throw new MintmarkError('InvalidConfiguration', `The issuer URL template '${template}' lacks {uuid}, so issuers would share a URL.`, { target: 'issuerUrlTemplate' });
  const url = PLACES.reduce((so, place) => so.replaceAll(`{${place}}`, parts[place]), template);
  const wrong = issuerUrlFault(url);
  if (wrong !== null) throw new MintmarkError('InvalidConfiguration', `The issuer URL template '${template}' gives '${url}', which ${wrong}.`, { target: 'issuerUrlTemplate' });
  return url;
}

/**
 * What is wrong with an issuer URL, to follow "which …"; null when nothing is. OpenID Connect Discovery 1.0, section 3
 * (https, no query, no fragment), and what relying parties need: one spelling only, so nothing that a URL parser would rewrite.
 */
export function issuerUrlFault(url: string): string | null {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const faults: readonly (readonly [boolean, string])[] = [
    [parsed === null, 'is no URL'],
    [parsed?.protocol !== 'https:', 'is not https'],
    [/[?#]/.test(url), 'has a query or a fragment'],
    [parsed !== null && (parsed.username !== '' || parsed.password !== ''), 'has a user name or password'],
    [!url.endsWith('/'), 'does not end in a slash'],
    [url.length > LONGEST_URL, `is longer than ${LONGEST_URL} characters`],
    [parsed !== null && parsed.href !== url, `is not in the one spelling that every client gives it ('${parsed?.href}')`],
    [parsed !== null && /%|\/\/|\/\.{1,2}\//.test(parsed.pathname), 'has an escaped, empty or relative part in its path'],
  ];
  return faults.find(([is]) => is)?.[1] ?? null;
}

/** The path of a valid issuer URL. */
export const issuerPath = (url: string): string => new URL(url).pathname;

/**
 * Whether a URL is where a template puts issuers: at a host that it can give, below what its path begins with. The
 * documents of such an issuer are this server's own, whether or not it exists.
 */
export function isUnderTemplate(template: string, url: string): boolean {
  const [, authority = '', path = '/'] = /^https:\/\/([^/]*)(\/[^{]*)?/.exec(template) ?? [];
  const host = authority.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('[^.:/]+');
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed !== null && new RegExp(`^${host}$`, 'i').test(parsed.host.replace(/\.(?=$|:)/, '')) && parsed.pathname.startsWith(path);
}
