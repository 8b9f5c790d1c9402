/**
 * `mintmark dev`: everything on this machine, on the embedded store, with nothing to set up.
 *
 * Opens the home, makes at first start what is missing, starts the app, shows that it works, and stays up until
 * SIGINT or SIGTERM.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createApp, type Ground } from '../app.ts';
import { type Config, type DevOptions, devConfig } from '../config/config.ts';
import { createKeyEncryptionKey, readKeyEncryptionKey } from '../keys/key-encryption/file.ts';
import type { CertificateWithKey } from '../keys/private-ca.ts';
import { createSealer, type KeyEncryptionKey } from '../keys/seal.ts';
import { openAuditFile } from '../observability/audit-file.ts';
import { loadThread } from '../public-host/host-thread.ts';
import { type Clock, systemClock } from '../service/clock.ts';
import { createLog, endAtOnce, lockStore, refusal, stopSignal } from '../serve/server-process.ts';
import { diskError } from '../store/disk-errors.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { bindStore, ensureFirstCluster, ensureProfile } from './first-start.ts';
import { type Home, openHome } from './home.ts';
import { createIssuerSockets, socketsFolder } from './issuer-sockets.ts';
import { shiftedClock } from './shifted-clock.ts';
import { tlsFiles } from './tls-files.ts';
import { welcome } from './welcome.ts';

/** What a relying party's leeway forgives, in seconds. */
const MOST_AHEAD = 60;

interface Output {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Runs until it is told to stop; resolves with the exit code. */
export async function dev(options: DevOptions, { stdout, stderr }: Output): Promise<number> {
  const stopped = stopSignal();
  try {
    const home = await openHome(options.home);
    try {
      // The home's own lock keeps `mintmark serve` off nothing.
      const lock = lockStore(home.store);
      await run(home, options, { stdout, stderr }, stopped).finally(lock.release);
      return 0;
    } finally {
      home.release();
    }
  } catch (error) {
    return refusal(diskError(error, `The home ${options.home} can not be read or written`) ?? error, stderr);
  }
}

async function run(home: Home, options: DevOptions, output: Output, stopped: Promise<void>): Promise<void> {
  const running = await start(home, options, output);
  await stopped;
  output.stdout.write('Stopping.\n');
  await running.stop();
}

async function start(home: Home, options: DevOptions, { stdout, stderr }: Output): Promise<{ stop(): Promise<void> }> {
  const config = devConfig(options, process.env);
  const publicHost = { storeFile: home.store, clockFile: options.clockFile ?? null, thread: loadThread() };
  const clock = options.clockFile === undefined ? systemClock : shiftedClock(options.clockFile);
  const sealer = createSealer(await keyEncryptionKey(home));
  const tls = await tlsFiles(home, [...new Set(['localhost', '127.0.0.1', '::1', ...namedHost(options.listen)])], new Date());
  const audit = openAuditFile(home.auditLog);
  const store = await openSqliteStore({ file: home.store, clock: clock.now });
  try {
    await bindStore(store, sealer, home, options.issuerPort);
    warnOfClock(store, clock, stderr);
    const { log, lostLogLines } = createLog(config.logLevel);
    const app = await startApp(home, config, { store, publicHost, sealer, clock, log, lostLogLines, audit, outbound: { ca: null, env: process.env }, lost: endAtOnce(log) }, tls, stdout);
    return { stop: () => app.stop().finally(() => store.close()).finally(() => audit.close()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startApp(home: Home, config: Config, ground: Ground, tls: CertificateWithKey, stdout: Output['stdout']): Promise<{ stop(): Promise<void> }> {
  const profile = await ensureProfile(ground.store, home, config);
  const app = createApp(config, ground, { management: tls, issuer: tls, signers: tls });
  const sockets = createIssuerSockets({ ...ground, folder: await socketsFolder(home.dir) });
  const stop = (): Promise<void> => sockets.stop().finally(() => app.stop());
  try {
    await app.start();
    const first = await ensureFirstCluster(app.services, ground.store, profile);
    stdout.write(await welcome({ app, config, home, first, sockets, ca: await readFile(home.caCertificate, 'utf8'), now: () => ground.store.now() }));
    sockets.start();
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The store's time never goes back (rule 1), so it stays ahead of a clock that was once wrong, until that has caught up. */
function warnOfClock(store: Store, clock: Clock, stderr: Output['stderr']): void {
  const ahead = (store.now().getTime() - clock.now().getTime()) / 1000;
  if (ahead > MOST_AHEAD) stderr.write(`WARNING: The store has seen a time ${Math.round(ahead)} seconds ahead of this machine's clock, and tokens are issued by the store's time: until the clock has caught up, relying parties refuse them as not yet valid. Check the clock; if the store was written under a wrong one, use another home with --home DIR.\n`);
}

/** Read where the home has one; made at the first start only, so that a lost key is not covered up by a new one. */
async function keyEncryptionKey(home: Home): Promise<KeyEncryptionKey> {
  const isNew = [home.keyEncryptionKey, home.profile, home.store].every((file) => !existsSync(file));
  return isNew ? createKeyEncryptionKey(home.keyEncryptionKey) : readKeyEncryptionKey(home.keyEncryptionKey);
}

/** An address that stands for all of them is no name to put into a certificate. */
function namedHost(listen: string): readonly string[] {
  return listen === '0.0.0.0' || listen === '::' ? [] : [listen];
}
