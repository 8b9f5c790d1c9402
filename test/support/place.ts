/**
 * A real server on files of its own, for tests of what becomes of them: by `mintmark dev` with a clock that can be moved,
 * or by `mintmark serve` as in production.
 *
 * Each server has a process group of its own, and SIGKILL goes to all of it.
 */
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSealer, type Sealer } from '../../src/keys/seal.ts';
import { readKeyEncryptionKey } from '../../src/keys/key-encryption/file.ts';
import type { ApiHome } from './dev-api.ts';
import { DevHome, type OutputFiles, type Profile, ROOT, type Running } from './dev-server.ts';
import { authority, ServeFolder, serving } from './serve-folder.ts';

export type PlaceKind = 'dev' | 'serve';

export interface Place extends ApiHome {
  readonly kind: PlaceKind;
  readonly dir: string;
  readonly storeFile: string;
  readonly sealer: () => Promise<Sealer>;
  /** Starts the server without waiting for anything. */
  launch(into?: OutputFiles): Running;
  /** Resolves once it serves; rejects with its output when it ends before. */
  up(running: Running): Promise<unknown>;
  /** Puts the clock ahead by so many seconds more; null where that can not be done. */
  readonly moveClock: ((seconds: number) => Promise<void>) | null;
  /** The server's time. */
  now(): Date;
  /** For each start: what a killed server had open is of no use. */
  newConnections(): void;
  remove(): Promise<void>;
}

interface PlaceOptions {
  /** An empty folder for the files, whose end is not theirs; one that is removed with the place when left out. */
  readonly dir?: string;
  /** More lines of the file of `mintmark serve`. */
  readonly settings?: string;
}

export const PLACES = { dev: devPlace, serve: servePlace } as const satisfies Record<PlaceKind, (options?: PlaceOptions) => Promise<Place>>;

async function devPlace(options: PlaceOptions = {}): Promise<Place> {
  const home = await DevHome.unattended({ clock: true, ...options });
  let ahead = 0;
  return {
    kind: 'dev', dir: home.dir, storeFile: join(home.dir, 'mintmark.db'),
    sealer: async () => createSealer(await readKeyEncryptionKey(join(home.dir, 'key-encryption-key'))),
    launch: (into = {}) => home.run(join(ROOT, 'bin/mintmark'), ['dev', ...home.flags()], { detached: true, into, env: { ...home.env, MINTMARK_LOG_LEVEL: 'info' } }),
    up: (running) => running.up(),
    async moveClock(seconds) {
      ahead += seconds;
      await home.setClock(ahead);
    },
    now: () => new Date(Date.now() + ahead * 1000),
    ...withConnections(() => home.profile(), () => home.remove()),
  };
}

/** Tokens on request, and rotations that can follow each other within seconds. */
const SETTINGS = `
tokenIssue: true
publicationGap: 2s
keyPoolSize: 4
throttle: { requestsPerPrincipal: 1000000, requestsPerAddress: 1000000, loginsPerAddress: 1000000, failedLogins: 1000000 }
`;

async function servePlace({ settings = '', ...options }: PlaceOptions = {}): Promise<Place> {
  const folder = await ServeFolder.make({ settings: SETTINGS + settings, ...options });
  const bootstrap = await folder.run('admin', 'bootstrap', '--config', folder.path('mintmark.yaml'), '-o', 'json').ended;
  if (bootstrap.code !== 0) throw new Error(`bootstrap failed: ${bootstrap.stderr}`);
  const { tenantId, subscriptionId, clientId, clientSecret } = JSON.parse(bootstrap.stdout) as Profile;
  await writeFile(folder.path('ca.pem'), authority.certificate);
  const profile: Profile = { endpoint: `https://localhost:${folder.management}`, tenantId, subscriptionId, clientId, clientSecret, caFile: folder.path('ca.pem') };
  return {
    kind: 'serve', dir: folder.dir, storeFile: folder.path('mintmark.db'),
    sealer: async () => createSealer(await readKeyEncryptionKey(folder.path('key-encryption-key'))),
    launch: (into = {}) => folder.runIn({ MINTMARK_LOG_LEVEL: 'info' }, folder.line(), { detached: true, into }),
    up: serving,
    moveClock: null,
    now: () => new Date(),
    ...withConnections(async () => profile, async () => folder.remove()),
  };
}

function withConnections(profile: () => Promise<Profile>, remove: () => Promise<void>): Pick<Place, 'profile' | 'agent' | 'newConnections' | 'remove'> {
  const agent = new Agent({ keepAlive: true });
  let known: Promise<Profile> | undefined;
  return {
    agent,
    profile: () => (known ??= profile()),
    newConnections() {
      agent.destroy();
      // A first start that was killed may have been about to write another one.
      known = undefined;
    },
    async remove() {
      agent.destroy();
      await remove();
    },
  };
}

/** The store's files as they are now, in a folder of their own: looking at them there leaves the recovery to the server. */
export async function copyOfStore({ storeFile }: Place): Promise<{ readonly file: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'mintmark-left-'));
  const file = join(dir, 'mintmark.db');
  await copyFile(storeFile, file);
  await copyFile(`${storeFile}-wal`, `${file}-wal`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  return { file, remove: () => rm(dir, { recursive: true }) };
}
