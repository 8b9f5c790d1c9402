/**
 * What a power cut would leave can not be tried here; what the disk was made sure of, and when, can be seen: each sync is
 * made as ever, and told with what the folder held at that moment.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface Sync {
  /** Name of the file in the folder, `.` for the folder itself. */
  readonly of: string;
  /** Names and texts of the files that were there. */
  readonly holds: Readonly<Record<string, string>>;
}

/** Until the test ends. What is random in the name of a file that is being written is left out: `ring.jwe.part`. */
export async function watchSyncs(t: TestContext, folder: string, told: (sync: Sync) => void): Promise<void> {
  const handle = await open(folder, 'r');
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const { sync } = handles;
  t.mock.method(handles, 'sync', async function (this: FileHandle): Promise<void> {
    const { ino } = await this.stat();
    await sync.call(this);
    const of = ['.', ...readdirSync(folder)].find((name) => statSync(join(folder, name)).ino === ino);
    const holds = Object.fromEntries(readdirSync(folder).map((name) => [withoutRandom(name), readFileSync(join(folder, name), 'utf8')]));
    if (of !== undefined) told({ of: withoutRandom(of), holds });
  });
}

const withoutRandom = (name: string): string => name.replace(/\.[0-9a-f]{12}(?=\.part$)/, '');
