import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, afterEach, test } from 'node:test';
import { after as later, DAY } from '../domain/durations.ts';
import { isMintmarkError } from '../domain/errors.ts';
import { type Home, openHome } from './home.ts';
import { tlsFiles } from './tls-files.ts';

const HOSTS = ['localhost', '127.0.0.1', '::1'];
const NOW = new Date();
const dir = await mkdtemp(join(tmpdir(), 'mintmark-tls-'));
after(() => rm(dir, { recursive: true }));

let home: Home;
let count = 0;
beforeEach(async () => { home = await openHome(join(dir, `home${(count += 1)}`)); });
afterEach(() => home.release());

test('made once, kept, and good for a year and more; the authority for ten', async () => {
  const made = await tlsFiles(home, HOSTS, NOW);
  assert.deepEqual(await tlsFiles(home, HOSTS, NOW), made);
  const [server, authority] = [new X509Certificate(made.certificate), new X509Certificate(await readFile(home.caCertificate))];
  assert.ok(server.checkIssued(authority) && server.verify(authority.publicKey));
  assert.ok(new Date(server.validTo) > later(NOW, 366 * DAY) && new Date(authority.validTo) > later(NOW, 3649 * DAY));
  assert.deepEqual([server.checkHost('localhost'), server.checkIP('::1'), server.ca, authority.ca], ['localhost', '::1', false, true]);
});

test('renewed under the same authority: when it ends soon, lacks a host, or is not whole', async () => {
  const first = await tlsFiles(home, HOSTS, NOW);
  const authority = await readFile(home.caCertificate, 'utf8');
  const damages: readonly (() => Promise<unknown>)[] = [
    () => tlsFiles(home, [...HOSTS, 'mintmark.example.com'], NOW),
    () => tlsFiles(home, HOSTS, later(NOW, 780 * DAY)),
    async () => { await writeFile(home.serverCertificate, 'garbage'); return tlsFiles(home, HOSTS, NOW); },
    async () => { await writeFile(home.serverKey, first.privateKey); return tlsFiles(home, HOSTS, NOW); },
    async () => { await rm(home.serverKey); return tlsFiles(home, HOSTS, NOW); },
  ];
  for (const damage of damages) {
    const before = await readFile(home.serverCertificate, 'utf8');
    await damage();
    assert.notEqual(await readFile(home.serverCertificate, 'utf8'), before);
    assert.equal(await readFile(home.caCertificate, 'utf8'), authority);
  }
});

test('a lost authority key is not covered up by a new authority', async () => {
  await tlsFiles(home, HOSTS, NOW);
  await rm(home.caKey);
  await tlsFiles(home, HOSTS, NOW);
  await assert.rejects(tlsFiles(home, [...HOSTS, 'other'], NOW), (error) => isMintmarkError(error, 'InvalidConfiguration') && error.message.includes(home.caKey));
});
