/**
 * The real server on a disk that fails: full, read-only, broken while it runs. What is refused is said clearly, documents
 * are served all the while, nothing that was acknowledged is lost.
 *
 * The disks are real ones, which takes root to mount; without it these tests are skipped, and say so.
 */
import assert from 'node:assert/strict';
import { describe, it, test, type TestContext } from 'node:test';
import { eventually } from '../support/dev-server.ts';
import { OnDisk, refusalOf } from '../support/on-disk.ts';
import { SmallDisk } from '../support/small-disk.ts';

const KINDS = ['dev', 'serve'] as const;

/** Mounted for one test; null, and the test is skipped, where that can not be done. */
async function disk(t: TestContext, kind: 'memory' | 'ext4', megabytes: number): Promise<SmallDisk | null> {
  const made = await SmallDisk.make(kind, megabytes);
  if (typeof made === 'string') return t.skip(made), null;
  t.after(() => made.release());
  return made;
}

function ended(t: TestContext, subject: OnDisk): OnDisk {
  t.after(() => subject.place.remove());
  return subject;
}

/** Creates clusters until one is refused; gives its name and the refusal. */
async function createUntilRefused(subject: OnDisk): Promise<readonly [string, string]> {
  for (let number = 1; ; number += 1) {
    const reply = await subject.create(`more${number}`);
    if (reply.status !== 201) return [`more${number}`, refusalOf(reply)];
  }
}

function failingDisks(kind: (typeof KINDS)[number]): void {
  describe(`mintmark ${kind}: full`, () => {
    it('refuses what would have to be written, serves documents and what is there, and goes on once there is room', async (t) => {
      const small = await disk(t, 'memory', 4);
      if (small === null) return;
      const subject = ended(t, await OnDisk.begin(kind, small.dir));
      await small.fill();
      const [name, refusal] = await createUntilRefused(subject);
      assert.equal(refusal, '507 StoreFull The disk of the store is full. Nothing was changed. Free some space; reading goes on meanwhile.');
      await subject.assertWhole();
      const api = await subject.api('first');
      assert.equal((await api.show()).keys.length, 2);
      await small.free();
      assert.equal((await subject.create(name)).status, 201);
      await api.rotateToTheEnd();
      await subject.assertWhole();
      await subject.end('SIGKILL');
      await subject.start();
      await subject.assertWhole();
    });

    it('does not start, says why, and has everything once there is room', async (t) => {
      const small = await disk(t, 'memory', 4);
      if (small === null) return;
      const subject = ended(t, await OnDisk.begin(kind, small.dir));
      await subject.end('SIGTERM');
      await small.fill();
      assert.match(await subject.refusedStart(), /^ERROR: \(StoreFull\) The store \S+ can not be opened\. The disk of the store is full\. Nothing was changed\. Free some space/);
      await small.free();
      await subject.start();
      await subject.assertWhole();
    });
  });

  describe(`mintmark ${kind}: read-only`, () => {
    it('does not start, says why, and has everything once it can be written', async (t) => {
      const small = await disk(t, 'memory', 8);
      if (small === null) return;
      const subject = ended(t, await OnDisk.begin(kind, small.dir));
      await subject.end('SIGKILL');
      await small.remount('ro');
      assert.match(await subject.refusedStart(), kind === 'dev'
        ? /^ERROR: \(StoreUnavailable\) The home \S+ can not be made or written: EROFS: .*\. The disk can only be read: .* Make it writable again\.$/m
        : /^ERROR: \(InvalidConfiguration\) 2 things are wrong .*\n- store\.file needs the folder .*: EROFS: read-only file system/);
      await small.remount('rw');
      await subject.start();
      await subject.assertWhole();
    });
  });

  describe(`mintmark ${kind}: broken while it runs`, () => {
    it('refuses, serves documents, goes on without a restart when it can be written again, and starts after a repair', async (t) => {
      const small = await disk(t, 'ext4', 16);
      if (small === null) return;
      const subject = ended(t, await OnDisk.begin(kind, small.dir));
      const files = [subject.place.storeFile, `${subject.place.storeFile}-wal`];
      const refused = /^503 StoreUnavailable The store can not be read or written: the disk reported an error \(SQLITE_IOERR\); look at the kernel log\. Nothing was changed\.$/;

      await small.lock('+i', ...files);
      assert.match(refusalOf(await subject.create('second')), refused);
      await subject.assertWhole();
      await small.lock('-i', ...files);
      assert.equal((await subject.create('second')).status, 201);

      await small.break();
      for (const name of ['third', 'fourth']) assert.match(refusalOf(await subject.create(name)), refused);
      await subject.assertWhole();
      await subject.end('SIGKILL');
      await subject.refusedStart();
      await eventually('the disk is no longer used', () => small.repair().then(() => true, () => undefined));
      await subject.start();
      await subject.assertWhole();
      assert.equal((await subject.create('third')).status, 201);
    });
  });
}

describe('a disk that fails', { concurrency: KINDS.length }, () => {
  for (const kind of KINDS) describe(kind, () => failingDisks(kind));
});

test('a first start of mintmark dev on a full disk is one clear error, and works once there is room', async (t) => {
  const small = await disk(t, 'memory', 4);
  if (small === null) return;
  const subject = ended(t, await OnDisk.make('dev', small.dir));
  await small.fill();
  assert.match(await subject.refusedStart(), /^ERROR: \(StoreFull\) The home \S+ can not be read or written: ENOSPC: .*\. Free some space, or raise the quota\.$/m);
  await small.free();
  await subject.start();
  assert.equal((await subject.create('first')).status, 201);
});
