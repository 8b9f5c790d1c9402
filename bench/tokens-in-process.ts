/**
 * The signing path of the server without its API: the built service `tokens.issue`, put together as `dist/app.js` puts it
 * together, on a real store with audit lines to a file. Not the shipped process: what is left out is HTTP, TLS and the guard.
 *
 * Gets its place as one JSON argument; issues tokens for as many seconds as its parent tells it, and answers how many.
 */
import { openSync, writeSync } from 'node:fs';
import { pino } from 'pino';
import type { SigningPlace, Issued } from './tokens.ts';

const built = <Module>(file: string): Promise<Module> => import(new URL(`../dist/${file}`, import.meta.url).href) as Promise<Module>;
const { createApp } = await built<typeof import('../src/app.ts')>('app.js');
const { devConfig } = await built<typeof import('../src/config/config.ts')>('config/config.js');
const { openSqliteStore } = await built<typeof import('../src/store/sqlite.ts')>('store/sqlite.js');
const { createSealer } = await built<typeof import('../src/keys/seal.ts')>('keys/seal.js');
const { readKeyEncryptionKey } = await built<typeof import('../src/keys/key-encryption/file.ts')>('keys/key-encryption/file.js');
const { systemClock } = await built<typeof import('../src/service/clock.ts')>('service/clock.js');

const { storeFile, keyEncryptionKeyFile, auditFile, clusterIds, atOnce } = JSON.parse(process.argv[2] ?? '') as SigningPlace;
const audit = openSync(auditFile, 'a');
const store = await openSqliteStore({ file: storeFile, clock: systemClock.now });
const sealer = createSealer(await readKeyEncryptionKey(keyEncryptionKeyFile));
const ground = { store, publicHost: { storeFile, clockFile: null }, sealer, clock: systemClock, log: pino({ level: 'silent' }), lostLogLines: () => 0, audit: { write: (line: string) => void writeSync(audit, line) }, outbound: { ca: null, env: {} }, lost: (error: Error) => { throw error; } };
const config = { ...devConfig({ home: '', managementPort: 8443, issuerPort: 9443, signersPort: 9444, listen: '127.0.0.1' }), keyPoolSize: 0 };
const { tokens } = createApp(config, ground, { management: null, issuer: null, signers: null }).services;
const clusters = await store.read((tx) => Promise.all(clusterIds.map(async (id) => (await tx.resource(id))!)));

async function issue(seconds: number): Promise<Issued> {
  let issued = 0;
  const [cpu, begun] = [process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: atOnce }, async (_, index) => {
    for (; performance.now() < begun + seconds * 1000; issued += 1) {
      await tokens.issue(clusters[index % clusters.length]!, { serviceAccount: { namespace: 'payments', name: `worker-${index}` }, audiences: ['api://AzureADTokenExchange'], expirationSeconds: 3600 });
    }
  }));
  const { user, system } = process.cpuUsage(cpu);
  return { issued, cpuSeconds: (user + system) / 1e6, wallSeconds: (performance.now() - begun) / 1000 };
}

process.on('message', (seconds: number) => void issue(seconds).then((result) => process.send!(result)));
process.on('disconnect', () => void store.close().then(() => process.exit(0)));
process.send!('ready');
