/** Two sockets of one process: FetchKeys of a ring with five keys, and a method of the same stack that does nothing. Says where they are. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { makeKey, NO_OBSERVER, openedRing, SILENT } from '../test/support/signer-rings.ts';
import { serveExternalSigner } from '../src/signer/external-mode.ts';

const folder = mkdtempSync(join(tmpdir(), 'mm-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
process.once('SIGTERM', () => process.exit());

const [active, prepared, retired, one, other] = [makeKey(), makeKey(), makeKey(), makeKey(), makeKey()];
const ring = await openedRing({ active, prepared, retired: [[retired, new Date(Date.now() + 86_400_000)]], verifyOnly: [[one, null], [other, null]] });
const { path } = await serveExternalSigner(ring, { path: join(folder, 'full.sock') }, { now: () => new Date(), bar: () => null, observer: NO_OBSERVER, lockFile: () => ({ release: () => undefined }), log: SILENT });

const server = new Server();
const [nothing, raw] = [Buffer.alloc(0), (bytes: Buffer): Buffer => bytes];
const method = { path: '/v1.ExternalJWTSigner/FetchKeys', requestStream: false, responseStream: false, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw };
server.addService({ FetchKeys: method }, { FetchKeys: (_call: unknown, answer: (error: null, reply: Buffer) => void) => answer(null, nothing) });
const empty = join(folder, 'empty.sock');
await new Promise<void>((resolve, reject) => server.bindAsync(`unix:${empty}`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error))));
process.stdout.write(`${JSON.stringify({ full: path, empty, pid: process.pid })}\n`);
