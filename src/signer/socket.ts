/**
 * The unix socket of a signer: the only access control that there is, since an API server sends no credentials.
 *
 * Owns: that the socket is never reachable by more than it should be (made under a umask, in a folder that nobody else
 * can change), that one which a dead process left behind is replaced, and that one which lives is never taken.
 */
import { lstatSync, renameSync, type Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, unlink } from 'node:fs/promises';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { weakPlace } from '../keys/guarded-folder.ts';

export interface SocketPlace {
  readonly path: string;
  /** Octal; 0600 when left out. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

export interface OpenSocket {
  readonly path: string;
  /** Whether the path still leads here: it may have been removed, or another process may have put its own there. */
  isThere(): boolean;
  /** Accepts nobody any more and removes the path, unless it is another's; connections go on. */
  close(): void;
  /** Ends the connections that are left. */
  cut(): void;
}

/** Makes sure of a file for as long as the process lives. @throws MintmarkError when another process has it. */
export type LockFile = (file: string, message: string) => { readonly release: () => void };

/** Bytes of a path that fit into `sockaddr_un` with a zero at the end. */
const LONGEST_PATH = process.platform === 'linux' ? 107 : 103;
/** An API server has one, and whoever looks another. Many more, with all the calls that each may have open, are more than the signer's memory. */
const MOST_CONNECTIONS = 8;
/** A socket that says nothing for so long, in milliseconds, is one that lives and is busy. */
const CONNECT_WITHIN = 2000;

export const socketPathFits = (path: string): boolean => Buffer.byteLength(path) <= LONGEST_PATH;

/**
 * Listens at the path. The folder is made 0700 where it is missing.
 * @throws MintmarkError `InvalidConfiguration` for a path or folder that can not be used, `SocketInUse` for one that lives.
 */
export async function openSocket(place: SocketPlace, lockFile: LockFile, accept: (connection: Socket) => void): Promise<OpenSocket> {
  const path = resolve(place.path);
  if (!socketPathFits(path)) throw new MintmarkError('InvalidConfiguration', `The socket's path ${path} has ${Buffer.byteLength(path)} bytes; the system takes ${LONGEST_PATH} at most. Choose a shorter one.`);
  try {
    await makeFolder(path, place);
    const lock = lockFile(`${path}.lock`, `Another signer serves ${path}. Stop it, or choose another path.`);
    try {
      await removeStale(path);
      const connections = new Set<Socket>();
      const server = await listen(path, (connection) => {
        connections.add(connection.once('close', () => connections.delete(connection)));
        accept(connection);
      });
      const ours = lstatSync(path);
      const isThere = (): boolean => isSame(path, ours);
      const close = (): void => {
        if (!server.listening) return;
        closeAt(path, server, isThere());
        lock.release();
      };
      const cut = (): void => connections.forEach((connection) => void connection.destroy());
      return await openTo(path, place).then(() => ({ path, isThere, close, cut }), (error: unknown) => {
        server.close();
        throw error;
      });
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw inWords(error, path);
  }
}

/** The number of a file is not given to another while it is listened on. */
function isSame(path: string, { dev, ino }: Stats): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.dev === dev && found.ino === ino;
}

/**
 * Closing takes the path away at once (its callback would wait for the connections), whatever is there by now: so what
 * another process has put there is moved aside for that moment.
 */
function closeAt(path: string, server: Server, isOurs: boolean): void {
  const aside = isOurs ? null : movedTo(path, `${path}.aside`);
  server.close();
  if (aside !== null) movedTo(aside, path);
}

/** Null where there is nothing to move, or no right to. */
function movedTo(from: string, to: string): string | null {
  try {
    renameSync(from, to);
    return to;
  } catch {
    return null;
  }
}

/** Nothing is made where others lead; looked at again after, since a name that was free in a sticky folder was anybody's. */
async function makeFolder(path: string, { uid, gid }: SocketPlace): Promise<void> {
  const folder = dirname(path);
  await assertGuarded(folder, uid);
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined && (uid !== undefined || gid !== undefined)) await giveFolders(folder, made, { uid, gid });
  await assertGuarded(folder, uid);
}

/** From the folder up to the first one that was made: whoever may not pass one of them does not reach the socket. */
async function giveFolders(folder: string, first: string, { uid, gid }: Pick<SocketPlace, 'uid' | 'gid'>): Promise<void> {
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    await chmod(made, gid === undefined ? 0o700 : 0o710);
    await chown(made, uid ?? -1, gid ?? -1);
  }
}

/** Where others can change the folder, or one above it, they can put a socket of their own in the place of ours. */
async function assertGuarded(folder: string, owner: number | undefined): Promise<void> {
  const weak = await weakPlace(folder, owner);
  if (weak !== null) throw new MintmarkError('InvalidConfiguration', `${weak.fault}, so a socket of theirs could take the place of the signer's in ${folder}. Choose a folder of the signer's own, such as /run/mintmark, or close this one ('${weak.mend}').`);
}

async function removeStale(path: string): Promise<void> {
  const found = await statOf(path);
  if (found === null) return;
  if (!found.isSocket()) throw new MintmarkError('SocketInUse', `${path} is no socket. Move it away, or choose another path.`);
  if (await isLive(path)) throw new MintmarkError('SocketInUse', `Another process serves ${path}. Stop it, or choose another path.`);
  await unlink(path);
}

async function statOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}

/** Whether someone listens there. Only a refusal proves that nobody does. */
function isLive(path: string): Promise<boolean> {
  return new Promise((answer) => {
    const probe = connect(path);
    const say = (live: boolean) => (): void => {
      probe.destroy();
      answer(live);
    };
    probe.setTimeout(CONNECT_WITHIN, say(true)).once('connect', say(true)).once('error', (error: NodeJS.ErrnoException) => say(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')());
  });
}

/** Binds under a umask that leaves nothing to anybody else; `listen` on a path binds before it returns. */
function listen(path: string, accept: (connection: Socket) => void): Promise<Server> {
  const server = createServer(accept);
  server.maxConnections = MOST_CONNECTIONS;
  return new Promise((resolved, rejected) => {
    server.once('error', rejected);
    const former = process.umask(0o177);
    try {
      server.listen(path, () => resolved(server));
    } finally {
      process.umask(former);
    }
  });
}

/** Owner first: what a mode gives to a group is given to the right one only. */
async function openTo(path: string, { mode, uid, gid }: SocketPlace): Promise<void> {
  if (uid !== undefined || gid !== undefined) await chown(path, uid ?? -1, gid ?? -1);
  if (mode !== undefined) await chmod(path, mode);
}

function inWords(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof MintmarkError || code === undefined) return error;
  if (code === 'EADDRINUSE') return new MintmarkError('SocketInUse', `Another process serves ${path}. Stop it, or choose another path.`, { cause: error });
  return new MintmarkError('InvalidConfiguration', `The socket ${path} can not be made (${code}). Choose another path, or run the signer as a user who may make it.`, { cause: error });
}
