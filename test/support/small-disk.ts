/**
 * A small disk for one test, which can be filled, made read-only, or break: in memory, or ext4 in a file behind a loop
 * device.
 *
 * A process guards it: however the test ends, its end of a pipe closes, and the guard unmounts the disk and deletes
 * what there was. Mounting takes root; `make` says why where it can not be done.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const MEGABYTE = 1 << 20;

/** How it is mounted: shell, with the image (unused by one in memory), the folder and the size in bytes. */
const MOUNTS = {
  memory: 'mount -t tmpfs -o size="$3" tmpfs "$2"',
  ext4: 'truncate -s "$3" "$1" && mkfs.ext4 -q -F -m 0 "$1" && mount -o loop,errors=remount-ro "$1" "$2"',
} as const;

const GUARD = (kind: keyof typeof MOUNTS): string => `
scratch=$1; shift
{ ${MOUNTS[kind]} && echo mounted; } 2>&1
cat > /dev/null
umount -l "$2" 2> /dev/null
rm -rf "$scratch"`;

export class SmallDisk {
  /** The folder that it is mounted on. */
  readonly dir: string;
  readonly #image: string;
  readonly #release: () => Promise<void>;

  private constructor(dir: string, image: string, release: () => Promise<void>) {
    [this.dir, this.#image, this.#release] = [dir, image, release];
  }

  /** The disk, or the reason why there is none. */
  static async make(kind: keyof typeof MOUNTS, megabytes: number): Promise<SmallDisk | string> {
    const scratch = await mkdtemp(join(tmpdir(), 'mintmark-disk-'));
    const [dir, image] = [join(scratch, 'disk'), join(scratch, 'image')];
    await run('mkdir', [dir]);
    const guard = spawn('/bin/sh', ['-c', GUARD(kind), 'guard', scratch, image, dir, String(megabytes * MEGABYTE)], { stdio: ['pipe', 'pipe', 'inherit'], detached: true, env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` } });
    const ended = once(guard, 'close');
    const release = async (): Promise<void> => {
      guard.stdin.end();
      await ended;
    };
    const [said] = (await Promise.race([once(guard.stdout, 'data'), ended.then(() => [''])])) as [Buffer | string];
    if (String(said).endsWith('mounted\n')) return new SmallDisk(dir, image, release);
    await release();
    return `a small disk (${kind}) can not be mounted here, which takes root: ${String(said).trim()}`;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Writes until there is not a byte left. */
  async fill(): Promise<void> {
    const file = await open(this.path('filler'), constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND);
    for (let size = MEGABYTE; size >= 1; size = Math.floor(size / 2)) {
      for (let room = true; room;) room = await file.write(Buffer.alloc(size)).then(({ bytesWritten }) => bytesWritten === size, fullIsFalse);
    }
    await file.sync().catch(fullIsFalse);
    await file.close();
  }

  /** Gives back what `fill` took. */
  async free(): Promise<void> {
    await rm(this.path('filler'));
  }

  /** While no file on it is open for writing. */
  async remount(how: 'ro' | 'rw'): Promise<void> {
    await run('mount', ['-o', `remount,${how}`, this.dir]);
  }

  /** What an ext4 does by itself after an error of its device: nothing is written any more, files that are open or not. */
  async break(): Promise<void> {
    const { stdout } = await run('findmnt', ['-n', '-o', 'SOURCE', this.dir]);
    await writeFile(`/sys/fs/ext4/${basename(stdout.trim())}/trigger_fs_error`, '1');
    if (!/ext4 [^ ]*(?:\bro\b|emergency_ro)/.test((await readFile('/proc/mounts', 'utf8')).split('\n').find((line) => line.includes(this.dir)) ?? '')) throw new Error('the disk was to break and did not');
  }

  /** What an operator does about it, with nothing that uses it: check and mount again. */
  async repair(): Promise<void> {
    await run('umount', [this.dir]);
    // 1 says that errors were corrected.
    await run('/sbin/e2fsck', ['-fy', this.#image]).catch((error: { code?: unknown }) => { if (error.code !== 1) throw error; });
    await run('mount', ['-o', 'loop,errors=remount-ro', this.#image, this.dir]);
  }

  /** Refuses writes to these files, those that are open too, or takes that back. */
  async lock(how: '+i' | '-i', ...names: readonly string[]): Promise<void> {
    await run('chattr', [how, ...names]);
  }

  /** Unmounts and deletes it. */
  release(): Promise<void> {
    return this.#release();
  }
}

function fullIsFalse(error: NodeJS.ErrnoException): false {
  if (error.code !== 'ENOSPC') throw error;
  return false;
}
