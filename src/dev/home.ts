/**
 * The home of `mintmark dev`: one folder with all state, 0700, used by one process at a time.
 *
 * Owns: the names of its files, the lock, and that files are written whole and private. Leaves to `first-start.ts`
 * what goes into them.
 */
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MintmarkError } from '../domain/errors.ts';

export interface Home {
  readonly dir: string;
  readonly store: string;
  readonly keyEncryptionKey: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly profile: string;
  /** Lets another process use the home. */
  release(): void;
}

/**
 * Opens the folder, making it where it is missing, and locks it until `release` or the end of the process.
 * @throws MintmarkError `HomeInUse` while another process holds it; `InvalidConfiguration` when it can not be written.
 */
export async function openHome(path: string): Promise<Home> {
  const dir = resolve(path);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
  } catch (error) {
    throw new MintmarkError('InvalidConfiguration', `The home ${dir} can not be made or written: ${(error as Error).message}. Choose another with --home DIR.`, { cause: error });
  }
  const lock = lockHome(dir);
  return {
    dir,
    store: join(dir, 'mintmark.db'),
    keyEncryptionKey: join(dir, 'key-encryption-key'),
    caCertificate: join(dir, 'ca.pem'),
    caKey: join(dir, 'ca-key.pem'),
    serverCertificate: join(dir, 'server.pem'),
    serverKey: join(dir, 'server-key.pem'),
    profile: join(dir, 'profile.json'),
    release: () => lock.close(),
  };
}

/** Writes a file whole or not at all, readable by its owner only unless `mode` says otherwise, through to the disk. */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const part = `${file}.part`;
  const handle = await open(part, 'w', mode);
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

/** An exclusive lock of SQLite's: the operating system drops it when the process ends, however it ends. */
function lockHome(dir: string): DatabaseSync {
  const lock = new DatabaseSync(join(dir, 'lock'), { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    return lock;
  } catch (error) {
    lock.close();
    throw new MintmarkError('HomeInUse', `Another Mintmark process runs on the home ${dir}. Stop it, or choose another home with --home DIR.`, { cause: error });
  }
}
