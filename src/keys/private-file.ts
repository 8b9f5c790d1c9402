/** Files that hold secrets: for their owner only, whole or not at all, and on the disk before anybody relies on them. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';

/** Writes the file, or replaces it, 0600: when it resolves, the new content survives a power cut; before, the former does. */
export async function writePrivateFile(file: string, content: Uint8Array | string): Promise<void> {
  const part = `${file}.${randomBytes(6).toString('hex')}.part`;
  try {
    await writeThrough(part, content);
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/** Removes a file, through to the disk; no file is no error, and no folder is none. */
export async function removePrivateFile(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/**
 * What is in the file; null when there is none. `what` begins the messages: "The keys of the signer".
 * @throws MintmarkError `InvalidConfiguration` when others than the owner can read it, or nobody can.
 */
export async function readPrivateFile(file: string, what: string): Promise<Buffer | null> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) throw new MintmarkError('InvalidConfiguration', `${what} in ${file} can be read by others than the owner of the file: run chmod 600 ${file}, and think of who may have read it.`);
    return await readFile(file);
  } catch (error) {
    if (error instanceof MintmarkError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new MintmarkError('InvalidConfiguration', `${what} in ${file} can not be read (${(error as NodeJS.ErrnoException).code}).`, { cause: error });
  }
}

/** Makes a new file, through to the disk. The mode is the one asked for, whatever the umask. */
export async function writeThrough(file: string, content: Uint8Array | string, mode = 0o600): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.chmod(mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that a name that was made or taken away is so after a power cut too. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
