/**
 * The real server on a store in which a page was overwritten, while it was stopped or while it runs: who lies on that page
 * is told as damaged, everyone else is served and can rotate; a file that is damaged through and through is refused.
 */
import assert from 'node:assert/strict';
import { open, readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { DAY } from '../../src/domain/durations.ts';
import { eventually } from '../support/dev-server.ts';
import { OnDisk, refusalOf } from '../support/on-disk.ts';

const PAGE = 4096;
/** Of SQLite's file format: the first byte of a page with the rows of a table. */
const ROWS = 0x0d;
/** So many that their keys fill several pages. */
const CLUSTERS = 14;
/** How many clusters have their keys on the page beside: when a row leaves that one, SQLite may have to join it with the damaged one. */
const BESIDE = 4;

interface Damage {
  readonly hit: readonly string[];
  readonly intact: readonly string[];
  /** Of the intact ones those that can be changed all the same, whatever SQLite has to do for it. */
  readonly apart: readonly string[];
}

async function withClusters(t: TestContext, kind: 'dev' | 'serve'): Promise<OnDisk> {
  const subject = await OnDisk.begin(kind);
  t.after(() => subject.place.remove());
  for (let number = 2; number <= CLUSTERS; number += 1) assert.equal((await subject.create(`c${number}`)).status, 201);
  return subject;
}

/** Takes the log into the file; whether that went to its end. */
function isEmptied(file: string): boolean {
  const database = new DatabaseSync(file);
  try {
    return database.prepare('pragma wal_checkpoint(truncate)').get()!['busy'] === 0;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === 5 /* SQLITE_BUSY */) return false;
    throw error;
  } finally {
    database.close();
  }
}

/** Which page holds the keys of `first`, and whose keys are on it. Everything in the log is taken into the file before. */
async function findPage(subject: OnDisk): Promise<Damage & { readonly position: number }> {
  // Who reads or writes just now is in the way, and what stays in the log would hide the damage.
  await eventually('the log is taken into the file', () => isEmptied(subject.place.storeFile) || undefined);
  const [bytes, kids] = [await readFile(subject.place.storeFile), new Map<string, readonly string[]>()];
  for (const name of subject.made.keys()) kids.set(name, (await (await subject.api(name)).show()).keys.map(({ kid }) => kid));
  const pages = Array.from({ length: bytes.length / PAGE }, (_, number) => number * PAGE).filter((at) => bytes[at] === ROWS && bytes.subarray(at, at + PAGE).includes('{"n":"'));
  const isOn = (name: string, at: number): boolean => (kids.get(name) ?? []).some((kid) => bytes.subarray(at, at + PAGE).includes(kid));
  const position = pages.find((at) => isOn('first', at))!;
  const names = [...subject.made.keys()];
  const hit = names.filter((name) => isOn(name, position));
  const intact = names.filter((name) => !hit.includes(name));
  return { position, hit, intact, apart: intact.slice(BESIDE) };
}

async function overwrite(file: string, position: number, length: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(length, 0xa5), 0, length, position);
  await handle.close();
}

/** Those whose keys are elsewhere are as ever, and can be changed; those whose keys are on the page are refused. */
async function assertJudged(subject: OnDisk, { hit, intact, apart }: Damage): Promise<void> {
  assert.ok(hit.length > 0 && intact.length >= CLUSTERS / 2, `${hit.length} of ${CLUSTERS} are on the page`);
  await subject.assertWhole(intact);
  await (await subject.api(apart[0]!)).rotateToTheEnd();
  assert.equal((await subject.create('new')).status, 201);
  await subject.assertWhole(['new', ...intact]);
  for (const name of hit) {
    const api = await subject.api(name);
    for (const reply of [await api.send('GET', api.issuer), await api.rotate()]) {
      assert.equal(refusalOf(reply), "500 StoreCorrupt The store's file is damaged or is no SQLite database. Stop Mintmark and restore the file from a backup.");
    }
  }
}

/** A month later all rings are due, the damaged ones among them: those apart rotate, and all others than the damaged are served. */
async function assertCalendar(subject: OnDisk, { intact, apart }: Damage): Promise<void> {
  await subject.place.moveClock?.(32 * DAY);
  await subject.logIn();
  for (const name of apart) {
    const api = await subject.api(name);
    await eventually(`${name} has rotated by itself`, async () => ((await api.events()).some(({ kind, cause }) => kind === 'activated' && cause === 'automatic') ? true : undefined));
  }
  await subject.assertWhole(intact);
}

for (const kind of ['dev', 'serve'] as const) {
  describe(`mintmark ${kind}, a page of its store overwritten`, { concurrency: true }, () => {
    it('while it was stopped: it starts, and says 503 for the documents of damaged issuers only', async (t) => {
      const subject = await withClusters(t, kind);
      const damage = await findPage(subject);
      await subject.end('SIGKILL');
      await overwrite(subject.place.storeFile, damage.position, PAGE);
      await subject.start();
      await assertJudged(subject, damage);
      for (const name of damage.hit) assert.equal((await subject.document(name, 'openid/v1/jwks')).status, 503);
      if (subject.place.moveClock !== null) await assertCalendar(subject, damage);
    });

    it('while it runs: documents that it has in memory are served, damaged or not', async (t) => {
      const subject = await withClusters(t, kind);
      for (const name of subject.made.keys()) await subject.assertDocuments(name);
      const damage = await findPage(subject);
      await overwrite(subject.place.storeFile, damage.position, PAGE);
      // What SQLite has read of the file it keeps until the next commit.
      assert.equal((await subject.create('after')).status, 201);
      const api = await subject.api('first');
      await eventually('the damage is met', async () => ((await api.send('GET', api.issuer)).status === 500 ? true : undefined));
      await assertJudged(subject, damage);
      for (const name of damage.hit) await subject.assertDocuments(name);
    });

    it('and all others too, or the first: it does not start, and says what to do', async (t) => {
      const subject = await withClusters(t, kind);
      await findPage(subject);
      await subject.end('SIGTERM');
      const whole = await readFile(subject.place.storeFile);
      for (const [position, length] of [[0, PAGE], [PAGE, whole.length - PAGE]] as const) {
        await overwrite(subject.place.storeFile, position, length);
        assert.match(await subject.refusedStart(), /^ERROR: \(StoreCorrupt\) .*The store's file is damaged or is no SQLite database\. Stop Mintmark and restore the file from a backup\.$/m);
        const handle = await open(subject.place.storeFile, 'r+');
        await handle.write(whole, 0, whole.length, 0);
        await handle.close();
      }
      await subject.start();
      await subject.assertWhole();
    });
  });
}
