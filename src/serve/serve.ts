/**
 * `mintmark serve`: the server for production. Everything that it stands on is named by its configuration; it makes
 * nothing but the store's file, and refuses to start with one list of all that is missing.
 *
 * Leaves the first tenant and its Owner to `mintmark admin bootstrap`.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { type App, createApp, type Ground, type ListenerTls } from '../app.ts';
import type { ServeConfig, TlsFiles } from '../config/config.ts';
import { type ConfigFlags, loadServeConfig } from '../config/load-config.ts';
import { readKeyEncryptionKey } from '../keys/key-encryption/file.ts';
import { createSealer } from '../keys/seal.ts';
import { type LoadedThread, loadThread } from '../public-host/host-thread.ts';
import { systemClock } from '../service/clock.ts';
import { bindKeyEncryptionKey } from '../service/seal-check.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { openAuditDestination } from './audit-destination.ts';
import { createLog, endAtOnce, lockStore, refusal, type ServerLog, stopSignal } from './server-process.ts';
import { type FollowedPair, followTlsFiles, type ReadPair, readPair } from './tls-renewal.ts';

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stderr: { write(text: string): unknown };
}

interface Running {
  stop(): Promise<void>;
}

/** Runs until it is told to stop; resolves with the exit code. */
export async function serve(flags: ConfigFlags, { env, stderr }: Surroundings): Promise<number> {
  const stopped = stopSignal();
  const thread = loadThread();
  try {
    const config = await loadServeConfig(flags, env, systemClock.now());
    const serverLog = createLog(config.logLevel);
    const { log } = serverLog;
    const lock = lockStore(config.storeFile);
    try {
      const running = await start(config, serverLog, env, thread);
      await stopped;
      log.info({ within: config.stopWithin }, 'stopping');
      await running.stop();
      return 0;
    } finally {
      lock.release();
    }
  } catch (error) {
    return refusal(error, stderr);
  }
}

async function start(config: ServeConfig, { log, lostLogLines }: ServerLog, env: NodeJS.ProcessEnv, thread: LoadedThread): Promise<Running> {
  const publicHost = { storeFile: config.storeFile, clockFile: null, thread };
  const audit = openAuditDestination(config.auditFile, log);
  const sealer = createSealer(await readKeyEncryptionKey(config.keyEncryptionKeyFile));
  const outbound = { ca: config.federationCaFile === null ? null : await readFile(config.federationCaFile, 'utf8'), env };
  const isNew = !existsSync(config.storeFile);
  const store = await openSqliteStore({ file: config.storeFile, clock: systemClock.now });
  if (isNew) warnOfNewStore(config.storeFile, log);
  try {
    await bindKeyEncryptionKey(store, sealer);
    const running = await startApp(config, { store, publicHost, sealer, clock: systemClock, log, lostLogLines, audit: audit.sink, outbound, lost: endAtOnce(log) });
    await warnOfEmptyStore(store, log);
    return { stop: () => running.stop().finally(() => store.close()).finally(() => audit.close()) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function startApp(config: ServeConfig, ground: Ground): Promise<Running> {
  const pairOf = async (files: TlsFiles | null) => (files === null ? null : readPair(files));
  const pairs = { management: await pairOf(config.tls.management), issuer: await pairOf(config.tls.issuer), signers: await pairOf(config.tls.signers) };
  const app = createApp(config, ground, pairs);
  try {
    await app.start();
    const renewal = startRenewal(config, pairs, app, ground);
    ground.log.info({ managementUrl: config.managementUrl, management: config.management, issuer: config.issuer, signers: config.signers, metrics: config.metrics }, 'serving');
    return { stop: () => Promise.all([renewal.stop(), app.stop()]).then(() => undefined) };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

/** Certificates are followed, and looked at once more on SIGHUP. */
function startRenewal({ tls }: ServeConfig, pairs: Readonly<Record<keyof ListenerTls, ReadPair | null>>, app: App, { clock, log }: Ground): Running {
  const followed = (['management', 'issuer', 'signers'] as const).flatMap((name): readonly FollowedPair[] => {
    const [files, first] = [tls[name], pairs[name]];
    return files === null || first === null ? [] : [{ name, files, first, take: (pair) => app.renewTls(name, pair) }];
  });
  const { lookNow, stop } = followTlsFiles(followed, clock, log);
  process.on('SIGHUP', lookNow);
  return { stop: () => stop().finally(() => process.off('SIGHUP', lookNow)) };
}

/** Right on a first start only: `admin bootstrap` may come after it. */
function warnOfNewStore(file: string, log: Logger): void {
  const store = resolve(file);
  log.warn({ store }, `a new, empty store was made: there was no file ${store}. If this server had a store, its disk is not mounted or store.file names another place: stop the server, put that right and start it again. Every issuer of before is unknown to the new one`);
}

async function warnOfEmptyStore(store: Store, log: Logger): Promise<void> {
  const tenants = await store.read((tx) => tx.tenants());
  if (tenants.length === 0) log.warn("the store has no tenant, so nobody can log in: run 'mintmark admin bootstrap' once");
}
