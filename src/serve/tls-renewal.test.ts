import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { type CertificateWithKey, createAuthority, createServerCertificate } from '../keys/private-ca.ts';
import type { Clock } from '../service/clock.ts';
import { followTlsFiles, readPair } from './tls-renewal.ts';

const authority = await createAuthority('renewal test', new Date());
const make = (): Promise<CertificateWithKey> => createServerCertificate(authority, ['localhost'], new Date());

/** A clock that waits until it is told; `round` lets one wait end and resolves when the next begins. */
function steppedClock(): Clock & { round(): Promise<void> } {
  const [begun, ends]: [(() => void)[], (() => void)[]] = [[], []];
  return {
    now: () => new Date(0),
    wait: (_until, wake) => new Promise((resolve) => {
      begun.shift()?.();
      ends.push(resolve);
      wake.addEventListener('abort', () => resolve(), { once: true });
    }),
    round: () => new Promise((resolve) => {
      begun.push(resolve);
      ends.shift()?.();
    }),
  };
}

async function follow(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-renewal-'));
  const files = { certificateFile: join(dir, 'c.pem'), keyFile: join(dir, 'k.pem') };
  const put = ({ certificate, privateKey }: Partial<CertificateWithKey>): void => {
    if (certificate !== undefined) writeFileSync(files.certificateFile, certificate);
    if (privateKey !== undefined) writeFileSync(files.keyFile, privateKey);
  };
  put(await make());
  const [taken, lines, clock]: [CertificateWithKey[], string[], ReturnType<typeof steppedClock>] = [[], [], steppedClock()];
  const following = followTlsFiles([{ name: 'issuer', files, first: await readPair(files), take: (pair) => void taken.push(pair) }], clock, pino({ base: null, timestamp: false }, { write: (line: string) => { lines.push(line); } }));
  t.after(async () => {
    await following.stop();
    rmSync(dir, { recursive: true });
  });
  return { put, taken, lines, clock, files };
}

test('files that stay as they are are not taken again', async (t) => {
  const { taken, lines, clock } = await follow(t);
  await clock.round();
  await clock.round();
  assert.deepEqual([taken, lines], [[], []]);
});

test('a pair that is replaced file by file is taken once it is whole', async (t) => {
  const { put, taken, lines, clock } = await follow(t);
  const next = await make();
  put({ certificate: next.certificate });
  await clock.round();
  assert.deepEqual(taken, []);
  await clock.round();
  assert.equal(lines.length, 1, 'a fault is told once');
  assert.match(lines[0]!, /"level":50,"listener":"issuer","reason":"\S+c\.pem and \S+k\.pem do not belong together, or are no PEM: .*","msg":"the new certificate can not be served; the former one still is"/);
  put({ privateKey: next.privateKey });
  await clock.round();
  assert.deepEqual(taken.map(({ certificate, privateKey }) => ({ certificate, privateKey })), [next]);
  assert.deepEqual(JSON.parse(lines[1]!), { level: 30, listener: 'issuer', msg: 'a new certificate is served' });
});

for (const [what, emptied, missing] of [
  ['key', { privateKey: '' }, 'no key in the second'],
  ['certificate', { certificate: '' }, 'no certificate in the first'],
] as const) {
  test(`an empty ${what}, as a copy in progress leaves it, is not taken; the whole pair after it is`, async (t) => {
    const { put, taken, lines, clock } = await follow(t);
    put(emptied);
    await clock.round();
    await clock.round();
    assert.deepEqual([taken, lines.length], [[], 1]);
    assert.match(lines[0]!, new RegExp(`"level":50,.*c\\.pem and \\S+k\\.pem are no pair: there is ${missing}, as PEM\\..*the former one still is`));
    const next = await make();
    put(next);
    await clock.round();
    await clock.round();
    assert.deepEqual(taken.map(({ certificate, privateKey }) => ({ certificate, privateKey })), [next]);
  });
}

test('files that go away are told and change nothing', async (t) => {
  const { taken, lines, clock, files } = await follow(t);
  rmSync(files.keyFile);
  await clock.round();
  assert.deepEqual([taken, lines.length], [[], 1]);
});

test('a listener that does not take its new pair keeps no other from one', { timeout: 120_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-renewal-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const filesOf = (name: string) => ({ certificateFile: join(dir, `${name}.pem`), keyFile: join(dir, `${name}-key.pem`) });
  const put = async (name: string): Promise<CertificateWithKey> => {
    const [pair, { certificateFile, keyFile }] = [await make(), filesOf(name)];
    writeFileSync(certificateFile, pair.certificate);
    writeFileSync(keyFile, pair.privateKey);
    return pair;
  };
  for (const name of ['issuer', 'management']) await put(name);
  const [stuck, asked, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<CertificateWithKey>()];
  const takes = { issuer: () => { asked.resolve(); return stuck.promise; }, management: (pair: CertificateWithKey) => taken.resolve(pair) };
  const pairs = await Promise.all((['issuer', 'management'] as const).map(async (name) => ({ name, files: filesOf(name), first: await readPair(filesOf(name)), take: takes[name] })));
  const following = followTlsFiles(pairs, steppedClock(), pino({ level: 'silent' }));
  await put('issuer');
  const next = await put('management');
  following.lookNow();
  await asked.promise;
  assert.equal((await taken.promise).certificate, next.certificate);
  stuck.resolve();
  await following.stop();
});
