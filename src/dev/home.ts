/**
 * The home of `mintmark dev`: one folder with all state, 0700, used by one process at a time.
 *
 * Owns: the names of its files, the lock, and that files are written whole and private. Leaves to `first-start.ts`
 * what goes into them.
 */
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { lockFile } from '../serve/server-process.ts';
import { diskError } from '../store/disk-errors.ts';

/** Made first in a new home, so it tells a home from other folders. */
const LOCK = 'lock';

export interface Home {
  readonly dir: string;
  readonly store: string;
  readonly keyEncryptionKey: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly profile: string;
  readonly auditLog: string;
  /** Lets another process use the home. */
  release(): void;
}

/**
 * Opens the folder, making it where it is missing, and locks it until `release` or the end of the process.
 * @throws MintmarkError `HomeInUse` while another process holds it; `InvalidConfiguration`, `StoreUnavailable`,
 * `StoreFull` when it can not be written.
 */
export async function openHome(path: string): Promise<Home> {
  if (path === '') throw new MintmarkError('InvalidConfiguration', 'The home has no name. Name a folder with --home DIR.');
  const dir = resolve(path);
  try {
    await makeFolder(dir);
    await assertOurs(dir);
    await chmod(dir, 0o700);
  } catch (error) {
    if (error instanceof MintmarkError) throw error;
    const ofDisk = diskError(error, `The home ${dir} can not be made or written`);
    if (ofDisk !== null) throw ofDisk;
    throw new MintmarkError('InvalidConfiguration', `The home ${dir} can not be made or written: ${(error as Error).message}. Choose another with --home DIR.`, { cause: error });
  }
  const lock = lockFile(join(dir, LOCK), `Another Mintmark process runs on the home ${dir}. Stop it, or choose another home with --home DIR.`);
  return {
    dir,
    store: join(dir, 'mintmark.db'),
    keyEncryptionKey: join(dir, 'key-encryption-key'),
    caCertificate: join(dir, 'ca.pem'),
    caKey: join(dir, 'ca-key.pem'),
    serverCertificate: join(dir, 'server.pem'),
    serverKey: join(dir, 'server-key.pem'),
    profile: join(dir, 'profile.json'),
    auditLog: join(dir, 'audit.log'),
    release: lock.release,
  };
}

/** Writes a file whole or not at all, readable by its owner only unless `mode` says otherwise, through to the disk. */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const part = `${file}.part`;
  // Anew, so that nothing is written through a link that someone put there.
  await rm(part, { force: true });
  const handle = await open(part, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
}

/** The text of a file, or null where there is none. */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** With those above it. Node's own recursive way asks for ever where a folder says of what is to be made in it that it is not there, as /proc does. */
async function makeFolder(dir: string): Promise<void> {
  const fault = await mkdir(dir, { mode: 0o700 }).then(() => null, (error: NodeJS.ErrnoException) => error);
  if (fault === null || await isFolder(dir)) return;
  if (fault.code !== 'ENOENT' || await isFolder(dirname(dir))) throw fault;
  await makeFolder(dirname(dir));
  await makeFolder(dir);
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);

/** A folder with other things in it is somebody's: it is neither filled nor closed to others. */
async function assertOurs(dir: string): Promise<void> {
  const names = await readdir(dir);
  if (names.length === 0 || names.includes(LOCK)) return;
  throw new MintmarkError('InvalidConfiguration', `The folder ${dir} is no home of Mintmark and is not empty. Name a new or an empty folder with --home DIR.`);
}
