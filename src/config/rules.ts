/**
 * What settings mean to each other: pure checks over values that are each right by themselves.
 *
 * Gets the values that could be read (a missing one is undefined) and which of them somebody gave. Gives faults.
 * Leaves files to `files.ts`.
 */
import { isIPv4 } from 'node:net';
import { isMintmarkError } from '../domain/errors.ts';
import { neverOpens } from '../domain/freeze-windows.ts';
import { renderIssuerUrl } from '../domain/issuer.ts';
import { knownLocation } from '../domain/locations.ts';
import type { Listener } from './kinds.ts';
import type { SettingPath, Values } from './settings.ts';
import type { Fault } from './sources.ts';

export const LISTENERS = ['management', 'issuer', 'signers'] as const;
export type ListenerName = (typeof LISTENERS)[number];
const ADDRESSES = ['management.listen', 'issuer.listen', 'signers.listen', 'metrics.listen'] as const;

export interface Known {
  readonly values: Partial<Values>;
  readonly isGiven: (path: SettingPath) => boolean;
}

const SAMPLE_ID = '00000000-0000-4000-8000-000000000000';

/** The issuer URL that a template gives in a location. @throws MintmarkError `InvalidConfiguration`. */
export const sampleIssuerUrl = (template: string, region: string): string => renderIssuerUrl(template, { region, tenantId: SAMPLE_ID, uuid: SAMPLE_ID });

const RULES: readonly ((known: Known) => readonly Fault[])[] = [
  (known) => LISTENERS.flatMap((name) => tlsFaults(known, name)),
  (known) => LISTENERS.flatMap((name) => proxyFaults(known, name)),
  ({ values }) => signersFaults(values),
  ({ values }) => sameAddressFaults(values),
  ({ values }) => locationFaults(values),
  ({ values }) => templateFaults(values),
  ({ values }) => freezeFaults(values),
];

/** Everything that is wrong. */
export const ruleFaults = (known: Known): readonly Fault[] => RULES.flatMap((rule) => rule(known));

/** The listener for signers is there only when it has an address. */
export const isServed = (values: Partial<Values>, name: ListenerName): boolean => name !== 'signers' || (values['signers.listen'] ?? null) !== null;

function tlsFaults({ values }: Known, name: ListenerName): readonly Fault[] {
  if (!isServed(values, name)) return [];
  const [certificate, key] = [`${name}.tls.certificateFile`, `${name}.tls.keyFile`] as const;
  const behindProxy = values[`${name}.behindProxy`];
  const given = [certificate, key].filter((path) => values[path] !== null);
  if (behindProxy === true) return given.length === 0 ? [] : [{ about: `${name}.behindProxy`, problem: `is true, so Mintmark has no use for ${given.join(' and ')}: leave one or the other out.` }];
  if (behindProxy === undefined || given.length === 2) return [];
  const missing = [certificate, key].filter((path) => values[path] === null);
  return [{ about: missing.join(' and '), problem: `${missing.length === 1 ? 'is' : 'are'} missing: give certificate and key, or set ${name}.behindProxy to true where a proxy in front ends TLS.` }];
}

/** In plain HTTP nothing is listened on that nobody has chosen. */
function proxyFaults({ values, isGiven }: Known, name: ListenerName): readonly Fault[] {
  if (!isServed(values, name) || values[`${name}.behindProxy`] !== true || isGiven(`${name}.listen`)) return [];
  return [{ about: `${name}.listen`, problem: 'is missing: behind a proxy, say the address on which only the proxy reaches Mintmark, such as 127.0.0.1:8080.' }];
}

function signersFaults(values: Partial<Values>): readonly Fault[] {
  if (isServed(values, 'signers')) return values['signers.url'] === null ? [{ about: 'signers.url', problem: 'is missing: say where signers reach the address of signers.listen, such as https://signers.mintmark.example.com.' }] : [];
  const useless = (['signers.url', 'signers.tls.certificateFile', 'signers.tls.keyFile'] as const).filter((path) => typeof values[path] === 'string');
  return useless.length === 0 ? [] : [{ about: 'signers.listen', problem: `is missing, so Mintmark has no use for ${useless.join(' and ')}: say an address and port for signers, such as 0.0.0.0:10443.` }];
}

/** Each address but the first of its kind. */
function sameAddressFaults(values: Partial<Values>): readonly Fault[] {
  const taken = ADDRESSES.flatMap((path) => (values[path] === undefined || values[path] === null ? [] : [{ path, at: values[path] }]));
  return taken.flatMap(({ path, at }, index) => {
    const other = taken.slice(0, index).find((former) => clash(former.at, at));
    return other === undefined ? [] : [{ about: path, problem: `is the address of ${other.path}: each needs a port of its own.` }];
  });
}

/** One address for all of a machine takes the port from each of them. */
function clash(one: Listener, other: Listener): boolean {
  const covers = (wide: string, host: string): boolean => wide === host || wide === '::' || (wide === '0.0.0.0' && isIPv4(host));
  return one.port === other.port && (covers(one.host, other.host) || covers(other.host, one.host));
}

/** Windows that are each right may together leave no time. */
const freezeFaults = ({ 'issuers.freezeWindows': windows = [] }: Partial<Values>): readonly Fault[] =>
  neverOpens(windows) ? [{ about: 'issuers.freezeWindows', problem: 'leave no time in any week, so no key would ever rotate by itself. Shorten one; if that is what you want, set the period of each issuer to off instead (rotateEvery, issuer set-rotation).' }] : [];

const locationFaults = ({ defaultLocation, locations }: Partial<Values>): readonly Fault[] =>
  defaultLocation === undefined || locations === undefined ? [] : faultOf('defaultLocation', () => knownLocation(defaultLocation, locations));

function templateFaults({ 'issuer.urlTemplate': template, defaultLocation = 'eastus' }: Partial<Values>): readonly Fault[] {
  return template === undefined ? [] : faultOf('issuer.urlTemplate', () => sampleIssuerUrl(template, defaultLocation));
}

/** What the domain refuses, as a fault. */
function faultOf(about: SettingPath, work: () => unknown): readonly Fault[] {
  try {
    work();
    return [];
  } catch (error) {
    if (!isMintmarkError(error)) throw error;
    return [{ about, problem: `is refused: ${error.message}` }];
  }
}
