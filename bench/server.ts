/**
 * The shipped server, as an operator runs it: `bin/mintmark serve` on a configuration file that names what has to be named and
 * leaves the rest as it is, with TLS on both listeners. Its log and audit lines go to files.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createKeyEncryptionKey } from '../src/keys/key-encryption/file.ts';
import { createAuthority, createServerCertificate } from '../src/keys/private-ca.ts';
import { createSealer, type Sealer } from '../src/keys/seal.ts';
import { end, freePort, until } from './processes.ts';

const LAUNCHER = resolve(import.meta.dirname, '../bin/mintmark');

/** All that a server stands on, in a folder of its own. */
export interface Place {
  readonly folder: string;
  readonly storeFile: string;
  readonly sealer: Sealer;
  readonly ca: string;
  readonly management: Listener;
  readonly issuer: Listener;
  readonly issuerUrlTemplate: string;
  remove(): void;
}

interface Listener {
  readonly port: number;
  readonly url: string;
}

export interface Served {
  readonly pid: number;
  /** From the start of the process to the first document that it served. */
  readonly startSeconds: number;
  stop(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
  const authority = await createAuthority('bench', new Date());
  const pair = await createServerCertificate(authority, ['localhost'], new Date());
  for (const [file, text] of [['server.pem', pair.certificate], ['server-key.pem', pair.privateKey], ['ca.pem', authority.certificate]] as const) writeFileSync(join(folder, file), text, { mode: 0o600 });
  const [management, issuer] = [await freePort(), await freePort()].map((port) => ({ port, url: `https://localhost:${port}` })) as [Listener, Listener];
  const place: Place = {
    folder, storeFile: join(folder, 'mintmark.db'), sealer: createSealer(await createKeyEncryptionKey(join(folder, 'key-encryption-key'))), ca: authority.certificate,
    management, issuer, issuerUrlTemplate: `${issuer.url}/{region}/{tenantId}/{uuid}/`,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
  writeFileSync(join(folder, 'mintmark.yaml'), configuration(place));
  return place;
}

const configuration = ({ management, issuer, issuerUrlTemplate }: Place): string => `
store: { file: mintmark.db }
keyEncryptionKey: { file: key-encryption-key }
management:
  url: ${management.url}
  listen: 127.0.0.1:${management.port}
  tls: { certificateFile: server.pem, keyFile: server-key.pem }
issuer:
  urlTemplate: ${issuerUrlTemplate}
  listen: 127.0.0.1:${issuer.port}
  tls: { certificateFile: server.pem, keyFile: server-key.pem }
`;

/** Starts the server; `document` is the path of a public document, by which it is seen that it serves. */
export async function startServer(place: Place, document: string, ...settings: readonly string[]): Promise<Served> {
  const flags = settings.flatMap((setting) => ['--set', setting]);
  const [audit, log] = ['audit.jsonl', 'log.jsonl'].map((file) => openSync(join(place.folder, file), 'a'));
  const begun = performance.now();
  const child = spawn(LAUNCHER, ['serve', '--config', join(place.folder, 'mintmark.yaml'), ...flags], { stdio: ['ignore', audit!, log!] });
  await until(`the server serves ${document} (its log is in ${place.folder})`, () => isServed(place.issuer, document, place, child), 2);
  const startSeconds = (performance.now() - begun) / 1000;
  // The last listener that it opens.
  await until(`the management API answers (the server's log is in ${place.folder})`, () => isServed(place.management, '/healthz', place, child));
  return { pid: child.pid!, startSeconds, stop: () => end(child) };
}

function isServed({ url }: Listener, path: string, { ca }: Place, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error('The server ended instead of serving.');
  return new Promise((done) => {
    const asked = request(`${url}${path}`, { ca, agent: false }, (reply) => done(reply.resume().statusCode === 200));
    asked.once('error', () => done(false));
    asked.end();
  });
}
