import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { issuer, newborn, rotated } from '../../test/conformance/fixtures.ts';
import { eventually, isFree } from '../../test/support/dev-server.ts';
import { START } from '../../test/support/rings.ts';
import { sqliteFile } from '../../test/support/sqlite-file.ts';
import { nameOf, niceOf } from '../../test/support/thread-priority.ts';
import { MintmarkError } from '../domain/errors.ts';
import { createHostThread, type HostThread } from './host-thread.ts';
import type { ThreadData } from './protocol.ts';

const ID = '3f0c1f6e-6a52-4b0e-9d0c-7b1f3a5d2c10';
const JWKS = `/Tenant/${ID}/openid/v1/jwks`;

/** A store with one issuer, and a host thread on it that is not started. */
async function setUp(t: TestContext, data: Partial<ThreadData> = {}, confirm?: () => Promise<void>) {
  const place = await sqliteFile(t);
  const store = await place.store();
  await store.write(async (tx) => {
    await tx.insertIssuer(issuer(ID));
    await tx.insertKeyRing(newborn(ID, START));
  });
  const log = { full: false };
  const [lines, confirmed, lost]: [Record<string, unknown>[], unknown[], Error[]] = [[], [], []];
  const host = createHostThread({ storeFile: place.file, clockFile: null, listen: { host: '127.0.0.1', port: 0 }, stopWithin: 1, publishedIssuers: 10, tls: null, logLevel: 'info', ...data }, {
    confirm: confirm ?? (async (publisher, change) => { confirmed.push([publisher, change]); await store.write((tx) => tx.confirmPublication(publisher, change)); }),
    log: pino({ base: null, timestamp: false }, { write: (line: string) => { if (log.full) throw new Error('The disk of the log is full.'); lines.push(JSON.parse(line) as Record<string, unknown>); } }),
    lost: (error) => { lost.push(error); },
  });
  t.after(() => host.stop());
  return { place, store, host, lines, log, confirmed, lost };
}

async function kids(port: number): Promise<readonly string[]> {
  const reply = await fetch(`http://127.0.0.1:${port}${JWKS}`);
  return ((await reply.json()) as { readonly keys: readonly { readonly kid: string }[] }).keys.map(({ kid }) => kid);
}

const startRefused = (host: HostThread): Promise<unknown> => host.start().then(() => assert.fail('it started'), (error: unknown) => error);

test('it serves once the store knows of it, and a commit when catchUp resolves; then it is gone, with its port', async (t) => {
  const { store, host, confirmed, lost } = await setUp(t);
  assert.deepEqual([host.ready, await host.counts()], [false, null]);
  const port = await host.start();
  assert.deepEqual([host.ready, confirmed, await kids(port)], [true, [['embedded', 1]], ['key1', 'key2']]);
  await store.write((tx) => tx.updateKeyRing(ID, rotated(3)));
  assert.equal(await host.catchUp(), 2);
  // The one that was retired has ended since, by the clock of the machine.
  assert.deepEqual([await kids(port), confirmed.at(-1), (await store.read((tx) => tx.confirmation()))?.change], [['key2', 'key3'], ['embedded', 2], 2]);
  const counts = (await host.counts())!;
  assert.deepEqual([counts.requests.jwks[200], counts.publisher.confirmedChange, counts.publisher.issuersInMemory, counts.heapUsed > 0, counts.delay.max >= counts.delay.p50], [2, 2, 1, true, true]);
  await Promise.all([host.close(), host.close()]);
  await host.stop();
  await host.stop();
  assert.deepEqual([host.ready, await host.counts(), await isFree(port), lost], [false, null, true, []]);
  await assert.rejects(host.catchUp(), { message: 'The public host was stopped.' });
});

test('a commit that is not confirmed is an error of catchUp, with its code; the host goes on', async (t) => {
  let full = false;
  const { store, host } = await setUp(t, {}, async () => { if (full) throw new MintmarkError('StoreFull', 'The disk is full.'); });
  const port = await host.start();
  full = true;
  await store.write((tx) => tx.updateKeyRing(ID, rotated(3)));
  await assert.rejects(host.catchUp(), { name: 'MintmarkError', code: 'StoreFull', message: 'The disk is full.' });
  assert.deepEqual(await kids(port), ['key2', 'key3']);
  full = false;
  assert.equal(await host.catchUp(), 2);
});

test('a start that fails says why, as it would on this thread, and leaves no thread', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const rows = [
    [{ listen: { host: '127.0.0.1', port } }, undefined, 'AddressInUse', `Port ${port} on 127.0.0.1 is taken by another process. Stop it, or choose another port.`],
    [{ listen: { host: '192.0.2.1', port: 0 } }, undefined, 'InvalidConfiguration', 'Mintmark can not listen on 192.0.2.1, port 0 (EADDRNOTAVAIL). Choose another address or port.'],
    [{ storeFile: '/nowhere/mintmark.db' }, undefined, 'StoreUnavailable', /^The store \/nowhere\/mintmark\.db can not be opened\. /],
    [{}, () => Promise.reject(new MintmarkError('StoreFull', 'Full.')), 'StoreFull', 'Full.'],
  ] as const;
  for (const [data, confirm, code, message] of rows) {
    const { host, lost } = await setUp(t, data, confirm);
    const error = await startRefused(host);
    assert.ok(error instanceof MintmarkError, String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    await host.close();
    await host.stop();
    assert.deepEqual([host.ready, lost], [false, []]);
  }
});

test('what the thread logs is a line of the same log, with its errors', async (t) => {
  const { place, host, lines } = await setUp(t);
  const port = await host.start();
  place.other().exec("update signing_keys set state = 'sleeping'");
  assert.equal((await fetch(`http://127.0.0.1:${port}${JWKS}`)).status, 503);
  await host.counts();
  const [{ level, msg, issuer: which, err }] = lines as [{ level: unknown; msg: unknown; issuer: unknown; err: { type: unknown; code: unknown; message: string; stack: string } }];
  assert.deepEqual([lines.length, level, msg, which, err.type, err.code], [1, 50, 'an issuer is not whole in the store; it is answered with 503', ID, 'MintmarkError', 'StoreCorrupt']);
  assert.match(err.message, /'state' is none of/);
  assert.match(err.stack, /columns\.ts/);
});

test('a log that can not be written takes nothing down', async (t) => {
  const { place, host, log, lost } = await setUp(t);
  const port = await host.start();
  log.full = true;
  place.other().exec("update signing_keys set state = 'sleeping'");
  assert.equal((await fetch(`http://127.0.0.1:${port}${JWKS}`)).status, 503);
  await host.counts();
  assert.deepEqual([(await fetch(`http://127.0.0.1:${port}/healthz`)).status, lost], [200, []]);
});

test('a thread that stands still has no counts, and whoever asks does not wait for it', { timeout: 120_000 }, async (t) => {
  const clockFile = `${(await sqliteFile(t)).file}.clock`;
  writeFileSync(clockFile, '0');
  const { host } = await setUp(t, { clockFile });
  await host.start();
  // To open a pipe that nobody writes to is what stands still: the thread does it to see what time it is.
  execFileSync('mkfifo', [`${clockFile}.pipe`]);
  renameSync(`${clockFile}.pipe`, clockFile);
  await eventually('it does not answer', async () => (await host.counts()) === null || undefined);
  assert.equal(await host.counts(), null);
  renameSync(clockFile, `${clockFile}.pipe`);
  writeFileSync(clockFile, '0');
  await eventually('it answers', async () => {
    letGo(`${clockFile}.pipe`);
    return (await host.counts()) ?? undefined;
  });
});

/** Who waits for somebody to write to the pipe goes on. */
function letGo(pipe: string): void {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    // Nobody waits.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  }
}

/** Whether a thread of this process may get a higher priority; what it has stays. */
function mayGoFirst(): boolean {
  const own = getPriority();
  try {
    setPriority(own - 1);
    setPriority(own);
    return true;
  } catch {
    return false;
  }
}

test('it goes before the rest of the server where that is allowed, and alone', { skip: process.platform !== 'linux' && 'only Linux has priorities of threads' }, async (t) => {
  const { host } = await setUp(t);
  await host.start();
  const [own, threads] = [getPriority(), readdirSync('/proc/self/task')];
  const [itself, others] = [threads.filter((thread) => nameOf(thread) === 'public-host'), threads.filter((thread) => niceOf(thread) < own)];
  assert.deepEqual([itself.map(niceOf), others], mayGoFirst() ? [[-5], itself] : [[own], []]);
});
