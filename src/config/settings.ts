/**
 * The table of all settings: what each is called, what it can be, and what it is when nobody says.
 *
 * Validation, the names of variables, `config show`, `config check` and the table in docs/configuration.md are made from
 * these rows. Leaves to `read-settings.ts` where values come from, to `rules.ts` what they mean to each other.
 */
import type { z } from 'zod';
import { DAY, HOUR, MINUTE } from '../domain/durations.ts';
import { ROTATE_EVERY } from '../domain/rotation.ts';
import { SECOND_ROTATION } from '../domain/rotation-schedule.ts';
import type { RsaBits } from '../keys/generate.ts';
import { freezeWindows, type Kind, lengthOfTime, listener, locationName, locationNames, networks, oneNumberOf, oneOf, optional, origin, path, periodOrOff, ports, template, wholeNumber, type Written, yesNo } from './kinds.ts';

export interface Setting<T> {
  readonly kind: Kind<T>;
  /** What `serve` takes when nobody says; undefined: it has to be said. */
  readonly serve?: Written;
  /** What `dev` takes, where that is something else. */
  readonly dev?: Written;
  /** Never shown, not even in an error. */
  readonly secret?: true;
  /** One sentence. */
  readonly text: string;
}

const setting = <T>(kind: Kind<T>, row: Omit<Setting<T>, 'kind'>): Setting<T> => ({ kind, ...row });

const RSA_BITS = [2048, 3072, 4096] as const satisfies readonly RsaBits[];
const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export const SETTINGS = {
  'store.file': setting(path, { text: 'The SQLite file of the store, on a local disk; made at the first start.' }),
  'keyEncryptionKey.file': setting(path, { text: 'The key-encryption key: 32 random bytes as base64, in a file that only its owner can read.' }),
  'management.url': setting(origin, { text: 'Where clients reach the management API; the base of all URLs in its replies.' }),
  'management.listen': setting(listener, { serve: '0.0.0.0:8443', text: 'Address and port of the management API; has to be said behind a proxy.' }),
  'management.tls.certificateFile': setting(optional(path), { serve: null, text: 'Certificate of the management API and its chain, PEM.' }),
  'management.tls.keyFile': setting(optional(path), { serve: null, text: 'Private key of that certificate, PEM, not readable by everyone.' }),
  'management.behindProxy': setting(yesNo, { serve: false, text: 'A proxy in front ends TLS, and the management API is plain HTTP.' }),
  'issuer.urlTemplate': setting(template, { text: 'Issuer URL of new clusters, with {uuid} and, if wanted, {region} and {tenantId}.' }),
  'issuer.listen': setting(listener, { serve: '0.0.0.0:9443', text: 'Address and port of the public documents; has to be said behind a proxy.' }),
  'issuer.tls.certificateFile': setting(optional(path), { serve: null, text: 'Certificate of the public documents and its chain, PEM.' }),
  'issuer.tls.keyFile': setting(optional(path), { serve: null, text: 'Private key of that certificate, PEM, not readable by everyone.' }),
  'issuer.behindProxy': setting(yesNo, { serve: false, text: 'A proxy in front ends TLS, and the public documents are plain HTTP.' }),
  'signers.listen': setting(optional(listener), { serve: null, text: 'Address and port for signers, the processes beside API servers; no signer can enrol when left out.' }),
  'signers.url': setting(optional(origin), { serve: null, text: 'Where signers reach that listener; it is in what they enrol with, and can not change without enrolling them again.' }),
  'signers.tls.certificateFile': setting(optional(path), { serve: null, text: 'Certificate of the listener for signers and its chain, PEM; signers pin a self-signed one that ends it, and else trust it by the roots of their machine.' }),
  'signers.tls.keyFile': setting(optional(path), { serve: null, text: 'Private key of that certificate, PEM, not readable by everyone.' }),
  'signers.behindProxy': setting(yesNo, { serve: false, text: 'A proxy in front ends TLS, and the listener for signers is plain HTTP; signers trust it by the roots of their machine.' }),
  'signers.lease': setting(periodOrOff(HOUR, 365 * DAY), { serve: '14d', text: 'How long a signer goes on without the server before it stops signing and is written off.' }),
  'metrics.listen': setting(optional(listener), { serve: null, text: 'Address and port of the metrics, in plain HTTP and without a login; none when left out.' }),
  'audit.file': setting(optional(path), { serve: null, text: 'File that audit lines are appended to; standard output when left out.' }),
  locations: setting(locationNames, { serve: [], text: 'Locations that clusters may have beside the public Azure regions.' }),
  defaultLocation: setting(locationName, { serve: 'eastus', text: 'Location of what is created without one.' }),
  publicationGap: setting(lengthOfTime(2, DAY), { serve: '10m', dev: '3s', text: 'How long a key is published before it signs; caches may keep the JWKS for half of it.' }),
  rotateEvery: setting(periodOrOff(ROTATE_EVERY.least, ROTATE_EVERY.most), { serve: '30d', text: 'How often the keys of a new issuer rotate by themselves.' }),
  'issuers.freezeWindows': setting(freezeWindows, { serve: [], text: 'When no key rotates by itself, in UTC; what is asked for by hand goes on.' }),
  'issuers.secondRotation': setting(oneOf(SECOND_ROTATION), { serve: 'allow', text: 'Whether a rotation by hand that revokes a retired key is done, or refused until `--revoke-previous` or `--force` is given.' }),
  tokenIssue: setting(yesNo, { serve: false, dev: true, text: 'The server itself issues service-account tokens on request.' }),
  'federation.allowedAddresses': setting(networks, { serve: [], dev: ['127.0.0.0/8', '::1/128'], text: 'Networks beside the public internet in which issuers of others may be asked for their documents.' }),
  'federation.allowedPorts': setting(ports, { serve: ['443'], dev: ['1-65535'], text: 'Ports at which they may be asked.' }),
  'federation.caFile': setting(optional(path), { serve: null, text: 'Certificates of authorities that are trusted beside those of the system when they are asked, PEM.' }),
  rsaBits: setting(oneNumberOf(RSA_BITS), { serve: 2048, text: 'Size of new RSA keys.' }),
  keyPoolSize: setting(wholeNumber(0, 1000), { serve: 8, text: 'Keys that are kept ready in memory.' }),
  openedKeys: setting(wholeNumber(1, 1_000_000), { serve: 1000, text: 'Opened private keys that are kept in memory.' }),
  publishedIssuers: setting(wholeNumber(1, 10_000_000), { serve: 10_000, text: 'Issuers whose documents are kept in memory.' }),
  'throttle.requestsPerPrincipal': setting(wholeNumber(1, 1_000_000), { serve: 50, dev: 10_000, text: 'Requests a second that one principal may make to the management API; four times as many at once.' }),
  'throttle.requestsPerAddress': setting(wholeNumber(1, 1_000_000), { serve: 200, dev: 10_000, text: 'The same for one network address.' }),
  'throttle.loginsPerAddress': setting(wholeNumber(1, 1_000_000), { serve: 5, dev: 1000, text: 'Logins a second from one network address; four times as many at once.' }),
  'throttle.failedLogins': setting(wholeNumber(1, 1_000_000), { serve: 10, dev: 1000, text: 'Logins a minute with a wrong secret, for each client id.' }),
  maxBodyBytes: setting(wholeNumber(1024, 64 * 1024 * 1024), { serve: 1024 * 1024, text: 'Largest body of a request to the management API.' }),
  stopWithin: setting(lengthOfTime(1, 10 * MINUTE), { serve: '5s', text: 'How long a stop waits for requests in progress before it cuts them.' }),
  logLevel: setting(oneOf(LOG_LEVELS), { serve: 'info', dev: 'warn', text: 'What is logged: this and everything more severe.' }),
} as const;

export type SettingPath = keyof typeof SETTINGS;
/** All settings with their values. */
export type Values = { readonly [Path in SettingPath]: z.output<(typeof SETTINGS)[Path]['kind']['schema']> };

export const SETTING_PATHS = Object.keys(SETTINGS) as readonly SettingPath[];

export const isSettingPath = (name: string): name is SettingPath => Object.hasOwn(SETTINGS, name);

/** The row, for who handles all rows alike. */
export const rowOf = (name: SettingPath): Setting<unknown> => SETTINGS[name] as Setting<unknown>;

/** `management.tls.keyFile` → `MINTMARK_MANAGEMENT_TLS_KEY_FILE`. */
export const variableOf = (name: string): string => `MINTMARK_${name.replaceAll(/([a-z])([A-Z])/g, '$1_$2').replaceAll('.', '_').toUpperCase()}`;
