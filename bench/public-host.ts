/**
 * The public host on its thread, as `app.ts` builds it and with its default settings, on a store with one issuer.
 * Prints its port and the path of the issuer's JWKS as one line of JSON; ends on SIGTERM.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { JWKS_SUFFIX } from '../src/domain/issuer.ts';
import { createHostThread } from '../src/public-host/host-thread.ts';
import { systemClock } from '../src/service/clock.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { issuerWithRing } from './an-issuer.ts';

const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const storeFile = join(folder, 'mintmark.db');
const store = await openSqliteStore({ file: storeFile, clock: systemClock.now });
const { issuer, born } = issuerWithRing(new Date());
await store.write(async (tx) => {
  await tx.insertIssuer(issuer);
  await tx.insertKeyRing({ change: born, wakeAt: null });
});
const data = { storeFile, clockFile: null, listen: { host: '127.0.0.1', port: 0 }, stopWithin: 1, publishedIssuers: 10_000, tls: null, logLevel: 'info' };
const host = createHostThread(data, { confirm: (publisher, change) => store.write((tx) => tx.confirmPublication(publisher, change)), log: pino(), lost: (error) => { throw error; } });
const port = await host.start();
process.stdout.write(`${JSON.stringify({ port, path: `${issuer.path}${JWKS_SUFFIX}` })}\n`);
process.once('SIGTERM', async () => {
  await host.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});
