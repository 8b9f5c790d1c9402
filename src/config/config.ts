/**
 * The resolved configuration: one frozen object from the table of settings, for the server (`serveConfig`) and for a
 * developer's machine (`devConfig`).
 *
 * Lengths of time are in seconds unless a name says otherwise. Leaves to `settings.ts` what there is to set.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { FreezeWindow } from '../domain/freeze-windows.ts';
import type { SecondRotation } from '../domain/rotation-schedule.ts';
import type { PortRange } from '../fetch/guarded-fetch.ts';
import type { RsaBits } from '../keys/generate.ts';
import type { Listener } from './kinds.ts';
import type { ListenerName } from './rules.ts';
import { rowOf, SETTING_PATHS, SETTINGS, type Values, variableOf } from './settings.ts';

export type { Listener } from './kinds.ts';

export interface Config {
  readonly management: Listener;
  readonly issuer: Listener;
  /** Where metrics are read; null: nowhere. */
  readonly metrics: Listener | null;
  /** Base of all absolute URLs in replies of the management API, without a trailing slash; never taken from `Host`. */
  readonly managementUrl: string;
  readonly issuerUrlTemplate: string;
  readonly defaultLocation: string;
  readonly configuredLocations: readonly string[];
  /** G (rule 4): how long a key is published before it may sign. */
  readonly publicationGap: number;
  /** What a new issuer's keys rotate by; null is off. */
  readonly rotateEvery: number | null;
  /** In which no key rotates by itself. */
  readonly freezeWindows: readonly FreezeWindow[];
  /** Whether a rotation by hand may revoke a retired key unasked. */
  readonly secondRotation: SecondRotation;
  /** Whether the server itself issues service-account tokens. */
  readonly tokenIssue: boolean;
  /** Which machines may be asked for the documents of issuers of others. */
  readonly federation: { readonly allowedAddresses: readonly string[]; readonly allowedPorts: readonly PortRange[] };
  readonly rsaBits: RsaBits;
  /** Keys that are kept ready, in memory. */
  readonly keyPoolSize: number;
  /** Opened private keys that are kept in memory. */
  readonly openedKeys: number;
  /** Issuers whose documents the public host keeps in memory. */
  readonly publishedIssuers: number;
  readonly maxBodyBytes: number;
  /** Whether a proxy in front of the management API tells the address of the client. */
  readonly behindProxy: boolean;
  /** Where signers are served; null: nowhere. */
  readonly signers: SignersConfig | null;
  /** How long a signer goes on without the server, in seconds; null is for ever. */
  readonly signerLease: number | null;
  /** How often one may ask: each a second, failed logins a minute. */
  readonly throttle: { readonly requestsPerPrincipal: number; readonly requestsPerAddress: number; readonly loginsPerAddress: number; readonly failedLogins: number };
  /** How long a stop waits for requests in flight. */
  readonly stopWithin: number;
  readonly logLevel: Values['logLevel'];
}

export interface SignersConfig {
  readonly listen: Listener;
  /** Where signers reach it, without a trailing slash: the audience of their assertions. */
  readonly url: string;
  /** Whether a proxy in front tells the address of the signer. */
  readonly behindProxy: boolean;
}

/** Files in PEM. */
export interface TlsFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** What `mintmark serve` runs by: the same, and the files that it stands on. */
export interface ServeConfig extends Config {
  readonly storeFile: string;
  readonly keyEncryptionKeyFile: string;
  /** Null: standard output. */
  readonly auditFile: string | null;
  /** PEM, of authorities of issuers of others; null: the system's alone. */
  readonly federationCaFile: string | null;
  /** Null behind a proxy, and where the listener is not served. */
  readonly tls: Readonly<Record<ListenerName, TlsFiles | null>>;
}

/** From values that passed every rule. */
export function serveConfig(values: Values): ServeConfig {
  const tlsOf = (certificateFile: string | null, keyFile: string | null): TlsFiles | null => (certificateFile === null || keyFile === null ? null : { certificateFile, keyFile });
  return frozen({
    ...configOf(values),
    storeFile: values['store.file'],
    keyEncryptionKeyFile: values['keyEncryptionKey.file'],
    auditFile: values['audit.file'],
    federationCaFile: values['federation.caFile'],
    tls: {
      management: tlsOf(values['management.tls.certificateFile'], values['management.tls.keyFile']),
      issuer: tlsOf(values['issuer.tls.certificateFile'], values['issuer.tls.keyFile']),
      signers: tlsOf(values['signers.tls.certificateFile'], values['signers.tls.keyFile']),
    },
  });
}

/** What `mintmark dev` takes from its command line. */
export interface DevOptions {
  readonly home: string;
  readonly managementPort: number;
  readonly issuerPort: number;
  readonly signersPort: number;
  /** Left out: no metrics. */
  readonly metricsPort?: number | undefined;
  /** Address to listen on. */
  readonly listen: string;
  /** For tests: a file with a number of seconds by which the server's clock is ahead. */
  readonly clockFile?: string | undefined;
}

/**
 * The settings of `mintmark dev`: everything on this machine, rotations quick enough to be watched. Of the environment
 * only the level of the log counts.
 * @throws MintmarkError `InvalidConfiguration` for one port for two listeners, and for an unknown level.
 */
export function devConfig({ listen, managementPort, issuerPort, signersPort, metricsPort }: DevOptions, environment: NodeJS.ProcessEnv = {}): Config {
  assertOwnPorts([['The management API', '--management-port', managementPort], ['The issuers', '--issuer-port', issuerPort], ['The signers', '--signers-port', signersPort], ['The metrics', '--metrics-port', metricsPort ?? 0]]);
  return frozen(configOf({
    ...devDefaults(),
    ...logLevelIn(environment),
    'management.listen': { host: listen, port: managementPort, flag: '--management-port' },
    'issuer.listen': { host: listen, port: issuerPort, flag: '--issuer-port' },
    'metrics.listen': metricsPort === undefined ? null : { host: listen, port: metricsPort, flag: '--metrics-port' },
    'signers.listen': { host: listen, port: signersPort, flag: '--signers-port' },
    'signers.url': `https://localhost:${signersPort}`,
    'management.url': `https://localhost:${managementPort}`,
    'issuer.urlTemplate': `https://localhost:${issuerPort}/{region}/{tenantId}/{uuid}/`,
  }));
}

/** 0 is any free one. */
function assertOwnPorts(listeners: readonly (readonly [who: string, flag: string, port: number])[]): void {
  for (const [index, [who, flag, port]] of listeners.entries()) {
    const other = listeners.slice(index + 1).find((one) => one[2] === port && port !== 0);
    if (other !== undefined) throw new MintmarkError('InvalidConfiguration', `${who} and ${other[0].toLowerCase()} can not both listen on port ${port}. Give one of them another with ${flag} or ${other[1]}.`);
  }
}

function logLevelIn(environment: NodeJS.ProcessEnv): Partial<Values> {
  const [variable, { kind }] = [variableOf('logLevel'), SETTINGS.logLevel];
  const written = environment[variable];
  if (written === undefined || written === '') return {};
  const result = kind.schema.safeParse(written);
  if (!result.success) throw new MintmarkError('InvalidConfiguration', `${variable} must be ${kind.is}, not ${JSON.stringify(written)}.`);
  return { logLevel: result.data };
}

/** The files, addresses and URLs, which `dev` has from its home and flags, are not among them. */
function devDefaults(): Values {
  return Object.fromEntries(SETTING_PATHS.flatMap((path) => {
    const { kind, serve, dev = serve } = rowOf(path);
    return dev === undefined ? [] : [[path, kind.schema.parse(dev)]];
  })) as Values;
}

function configOf(values: Values): Config {
  const { defaultLocation, publicationGap, rotateEvery, tokenIssue, rsaBits, keyPoolSize, openedKeys, publishedIssuers, maxBodyBytes, stopWithin, logLevel } = values;
  const { 'signers.listen': signersListen, 'signers.url': signersUrl } = values;
  return {
    management: values['management.listen'],
    issuer: values['issuer.listen'],
    metrics: values['metrics.listen'],
    managementUrl: values['management.url'],
    issuerUrlTemplate: values['issuer.urlTemplate'],
    configuredLocations: values.locations,
    freezeWindows: values['issuers.freezeWindows'],
    secondRotation: values['issuers.secondRotation'],
    behindProxy: values['management.behindProxy'],
    signers: signersListen === null || signersUrl === null ? null : { listen: signersListen, url: signersUrl, behindProxy: values['signers.behindProxy'] },
    signerLease: values['signers.lease'],
    federation: { allowedAddresses: values['federation.allowedAddresses'], allowedPorts: values['federation.allowedPorts'] },
    throttle: {
      requestsPerPrincipal: values['throttle.requestsPerPrincipal'], requestsPerAddress: values['throttle.requestsPerAddress'],
      loginsPerAddress: values['throttle.loginsPerAddress'], failedLogins: values['throttle.failedLogins'],
    },
    defaultLocation, publicationGap, rotateEvery, tokenIssue, rsaBits, keyPoolSize, openedKeys, publishedIssuers, maxBodyBytes, stopWithin, logLevel,
  };
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const member of Object.values(Object.freeze(value))) frozen(member);
  return value;
}
