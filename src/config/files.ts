/**
 * The files that settings name: there, readable, private where they must be, and fit for their purpose.
 *
 * Gives faults in the words of `sources.ts`, all at once. What is read here is judged and forgotten.
 */
import { X509Certificate } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { isMintmarkError } from '../domain/errors.ts';
import { readKeyEncryptionKey } from '../keys/key-encryption/file.ts';
import { isServed, type ListenerName, LISTENERS, sampleIssuerUrl } from './rules.ts';
import type { SettingPath, Values } from './settings.ts';
import type { Fault } from './sources.ts';

/** Checks the files of the values that there are. `now` is what certificates must be valid at. */
export async function fileFaults(values: Partial<Values>, now: Date): Promise<readonly Fault[]> {
  const faults = await Promise.all([
    writtenFileFaults(values, 'store.file'), writtenFileFaults(values, 'audit.file'), keyEncryptionKeyFaults(values), authorityFaults(values),
    ...LISTENERS.filter((name) => isServed(values, name)).map((name) => tlsFaults(values, name, now)),
  ]);
  return faults.flat();
}

/** A file that Mintmark makes where it is not there yet. */
async function writtenFileFaults(values: Partial<Values>, about: 'store.file' | 'audit.file'): Promise<readonly Fault[]> {
  const file = values[about];
  if (typeof file !== 'string') return [];
  const isThere = await stat(file).then(() => true, () => false);
  const inFolder = await fault(about, () => access(dirname(file), constants.W_OK | constants.X_OK), `needs the folder ${dirname(file)}, in which Mintmark can write`);
  const onFile = isThere ? await fault(about, () => access(file, constants.R_OK | constants.W_OK), `names ${file}, which Mintmark must be able to read and write`) : [];
  return [...inFolder, ...onFile];
}

async function keyEncryptionKeyFaults({ 'keyEncryptionKey.file': file }: Partial<Values>): Promise<readonly Fault[]> {
  if (file === undefined) return [];
  try {
    await readKeyEncryptionKey(file);
    return [];
  } catch (error) {
    if (!isMintmarkError(error)) throw error;
    return [{ about: 'keyEncryptionKey.file', problem: `is refused: ${error.message}` }];
  }
}

async function authorityFaults({ 'federation.caFile': file }: Partial<Values>): Promise<readonly Fault[]> {
  if (typeof file !== 'string') return [];
  const text = await readText('federation.caFile', file);
  if (typeof text !== 'string') return [text];
  try {
    const certificates = (text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map((block) => new X509Certificate(block));
    return certificates.length > 0 ? [] : [{ about: 'federation.caFile', problem: `names ${file}, in which there is no certificate in PEM.` }];
  } catch (error) {
    return [{ about: 'federation.caFile', problem: `names ${file}, which has a certificate that can not be read: ${(error as Error).message}.` }];
  }
}

async function tlsFaults(values: Partial<Values>, name: ListenerName, now: Date): Promise<readonly Fault[]> {
  const [certificatePath, keyPath] = [`${name}.tls.certificateFile`, `${name}.tls.keyFile`] as const;
  const [certificateFile, keyFile] = [values[certificatePath], values[keyPath]];
  if (values[`${name}.behindProxy`] !== false || typeof certificateFile !== 'string' || typeof keyFile !== 'string') return [];
  const [certificate, key] = [await readText(certificatePath, certificateFile), await readText(keyPath, keyFile)];
  if (typeof certificate !== 'string' || typeof key !== 'string') return [certificate, key].filter((found) => typeof found !== 'string');
  const pairProblem = tlsPairProblem({ certificate, privateKey: key });
  if (pairProblem !== null) return [{ about: `${certificatePath} and ${keyPath}`, problem: pairProblem }];
  return [
    ...(await isOpenToEveryone(keyFile) ? [{ about: keyPath, problem: `names ${keyFile}, which everyone on the machine can read or write: run chmod o= ${keyFile}.` }] : []),
    ...certificateProblems(certificate, hostsOf(values, name), now).map((problem) => ({ about: certificatePath, problem })),
  ];
}

/** That a text has a block of its kind at all: node:tls takes an empty one for none, and would serve without it. */
const PEM_CERTIFICATE = /^-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/m;
const PEM_KEY = /^-----BEGIN (?:[A-Z]+ )*KEY-----/m;

/** What is wrong with a certificate and its key together; null when a server can use them. */
export function tlsPairProblem({ certificate, privateKey }: { readonly certificate: string; readonly privateKey: string }): string | null {
  const missing = [...(PEM_CERTIFICATE.test(certificate) ? [] : ['no certificate in the first']), ...(PEM_KEY.test(privateKey) ? [] : ['no key in the second'])];
  if (missing.length > 0) return `are no pair: there is ${missing.join(', and ')}, as PEM. Is a file empty, or its copy not finished?`;
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return null;
  } catch (error) {
    return `do not belong together, or are no PEM: ${(error as Error).message}.`;
  }
}

function certificateProblems(pem: string, hosts: readonly string[], now: Date): readonly string[] {
  const certificate = new X509Certificate(pem);
  const uncovered = hosts.filter((host) => (isAddress(host) ? certificate.checkIP(host) : certificate.checkHost(host)) === undefined);
  return [
    ...uncovered.map((host) => `does not cover ${host}; it covers ${certificate.subjectAltName ?? 'no name'}.`),
    ...(new Date(certificate.validTo) <= now ? [`ended on ${new Date(certificate.validTo).toISOString()}.`] : []),
    ...(new Date(certificate.validFrom) > now ? [`is not valid before ${new Date(certificate.validFrom).toISOString()}.`] : []),
  ];
}

/** Brackets of IPv6 are a matter of URLs. */
const hostOf = (url: string): string => new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

/** The names that clients use: of the issuers, one for each location that may be chosen without asking anyone. */
function hostsOf(values: Partial<Values>, name: ListenerName): readonly string[] {
  if (name !== 'issuer') return [values[`${name}.url`] ?? null].flatMap((url) => (url === null ? [] : [hostOf(url)]));
  const { 'issuer.urlTemplate': template, defaultLocation, locations = [] } = values;
  if (template === undefined || defaultLocation === undefined) return [];
  try {
    return [...new Set([defaultLocation, ...locations].map((location) => hostOf(sampleIssuerUrl(template, location))))];
  } catch {
    // What is wrong with the template is told by its own rule.
    return [];
  }
}

const isOpenToEveryone = async (file: string): Promise<boolean> => ((await stat(file)).mode & 0o007) !== 0;

async function readText(about: SettingPath, file: string): Promise<string | Fault> {
  return readFile(file, 'utf8').catch((error: Error) => ({ about, problem: `names ${file}, which can not be read: ${error.message}.` }));
}

async function fault(about: SettingPath, work: () => Promise<void>, needs: string): Promise<readonly Fault[]> {
  return work().then(() => [], (error: Error) => [{ about, problem: `${needs}: ${error.message}.` }]);
}
