/**
 * Configuration: every setting with its default, resolved once into one frozen object.
 *
 * `dev` needs nothing but its flags. Lengths of time are in seconds unless a name says otherwise.
 */
import { MintmarkError } from './domain/errors.ts';
import { ROTATE_EVERY } from './domain/rotation.ts';
import type { RsaBits } from './keys/generate.ts';

export interface Listener {
  readonly host: string;
  readonly port: number;
}

export interface Config {
  readonly management: Listener;
  readonly issuer: Listener;
  /** Base of all absolute URLs in replies of the management API, without a trailing slash; never taken from `Host`. */
  readonly managementUrl: string;
  readonly issuerUrlTemplate: string;
  readonly defaultLocation: string;
  readonly configuredLocations: readonly string[];
  /** G (rule 4): how long a key is published before it may sign. */
  readonly publicationGap: number;
  /** What a new issuer's keys rotate by; null is off. */
  readonly rotateEvery: number | null;
  /** Whether the server itself issues service-account tokens. */
  readonly tokenIssue: boolean;
  readonly rsaBits: RsaBits;
  /** Keys that are kept ready, in memory. */
  readonly keyPoolSize: number;
  /** Opened private keys that are kept in memory. */
  readonly openedKeys: number;
  /** Issuers whose documents the public host keeps in memory. */
  readonly publishedIssuers: number;
  readonly maxBodyBytes: number;
  /** How long a stop waits for requests in flight. */
  readonly stopWithin: number;
}

const DEFAULTS = {
  defaultLocation: 'eastus',
  configuredLocations: [],
  publicationGap: 600,
  rotateEvery: ROTATE_EVERY.default,
  tokenIssue: false,
  rsaBits: 2048,
  keyPoolSize: 8,
  openedKeys: 1000,
  publishedIssuers: 10_000,
  maxBodyBytes: 1024 * 1024,
  stopWithin: 5,
} as const satisfies Partial<Config>;

/** What `mintmark dev` takes from its command line. */
export interface DevOptions {
  readonly home: string;
  readonly managementPort: number;
  readonly issuerPort: number;
  /** Address to listen on. */
  readonly listen: string;
  /** For tests: a file with a number of seconds by which the server's clock is ahead. */
  readonly clockFile?: string | undefined;
}

/** The settings of `mintmark dev`: everything on this machine, rotations quick enough to be watched. */
export function devConfig({ listen, managementPort, issuerPort }: DevOptions): Config {
  if (managementPort === issuerPort && managementPort !== 0) throw new MintmarkError('InvalidConfiguration', `The management API and the issuers can not both listen on port ${issuerPort}. Give one of them another with --management-port or --issuer-port.`);
  return Object.freeze({
    ...DEFAULTS,
    management: { host: listen, port: managementPort },
    issuer: { host: listen, port: issuerPort },
    managementUrl: `https://localhost:${managementPort}`,
    issuerUrlTemplate: `https://localhost:${issuerPort}/{region}/{tenantId}/{uuid}/`,
    publicationGap: 3,
    tokenIssue: true,
  });
}
