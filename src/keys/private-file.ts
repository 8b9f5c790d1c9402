/** Files that hold secrets: for their owner only, whole or not at all, and on the disk before anybody relies on them. */
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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

/** Removes a file, and what is left of writes of it, through to the disk; no file is no error, and no folder is none. */
export async function removePrivateFile(file: string): Promise<void> {
  await removeCutOff(file);
  await rm(file, { force: true });
  await syncFolder(dirname(file)).catch(noFolder);
}

/**
 * Removes what is left of writes of the file that the end of their process cut off: a secret that nobody would look for. For the one
 * process that writes the file, or it takes away what another is just writing.
 */
export async function removeCutOff(file: string): Promise<void> {
  const [folder, start] = [dirname(file), `${basename(file)}.`];
  const names = await readdir(folder).catch(noFolder) ?? [];
  for (const name of names.filter((one) => one.startsWith(start) && PART.test(one.slice(start.length)))) await rm(join(folder, name), { force: true });
}

/** The end of the name of a file that is being written. */
const PART = /^[0-9a-f]{12}\.part$/;

function noFolder(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * What is in the file; null when there is none. `what` begins the messages: "The keys of the signer".
 * @throws MintmarkError `InvalidConfiguration` when others than the owner can read it, or nobody can.
 */
export async function readPrivateFile(file: string, what: string): Promise<Buffer | null> {
  try {
    const found = await stat(file);
    // To read a pipe waits until somebody writes into it.
    if (!found.isFile()) throw new MintmarkError('InvalidConfiguration', `${what} in ${file} can not be read: it is no file.`);
    if ((found.mode & 0o077) !== 0) throw new MintmarkError('InvalidConfiguration', `${what} in ${file} can be read by others than the owner of the file: run chmod 600 ${file}, and think of who may have read it.`);
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
