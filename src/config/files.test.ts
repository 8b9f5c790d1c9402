import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DAY, after as later } from '../domain/durations.ts';
import { createAuthority, createServerCertificate } from '../keys/private-ca.ts';
import { fileFaults } from './files.ts';
import type { Values } from './settings.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const dir = mkdtempSync(join(tmpdir(), 'mintmark-files-'));
after(() => rmSync(dir, { recursive: true }));

function put(name: string, text: string, mode = 0o600): string {
  writeFileSync(join(dir, name), text);
  chmodSync(join(dir, name), mode);
  return join(dir, name);
}

const authority = await createAuthority('files test', NOW);
const pair = await createServerCertificate(authority, ['mintmark.example.com', '*.oic.example.com', '192.0.2.1'], NOW);
const other = await createServerCertificate(authority, ['mintmark.example.com'], NOW);
const [certificateFile, keyFile, otherKey] = [put('c.pem', pair.certificate, 0o644), put('k.pem', pair.privateKey, 0o640), put('other.pem', other.privateKey)];

const GOOD: Partial<Values> = {
  'store.file': join(dir, 'mintmark.db'),
  'keyEncryptionKey.file': put('key', randomBytes(32).toString('base64')),
  'management.url': 'https://mintmark.example.com:8443', 'management.behindProxy': false, 'management.tls.certificateFile': certificateFile, 'management.tls.keyFile': keyFile,
  'issuer.urlTemplate': 'https://{region}.oic.example.com/{tenantId}/{uuid}/', 'issuer.behindProxy': false, 'issuer.tls.certificateFile': certificateFile, 'issuer.tls.keyFile': keyFile,
  defaultLocation: 'eastus', locations: ['attic'],
};

async function sentences(change: Partial<Values>, now = NOW): Promise<readonly string[]> {
  return (await fileFaults({ ...GOOD, ...change }, now)).map(({ about, problem }) => `${about} ${problem.replaceAll(dir, 'DIR')}`);
}

test('files that are as they should be have no fault; settings that are missing are not looked at', async () => {
  assert.deepEqual(await sentences({}), []);
  assert.deepEqual(await fileFaults({}, NOW), []);
  assert.deepEqual(await sentences({ 'management.url': 'https://192.0.2.1' }), []);
});

test('behind a proxy no certificate is needed', async () => {
  assert.deepEqual(await sentences({ 'issuer.behindProxy': true, 'issuer.tls.certificateFile': null, 'issuer.tls.keyFile': null }), []);
});

const COVERED = 'it covers DNS:mintmark.example.com, DNS:*.oic.example.com, IP Address:192.0.2.1.';

const CASES: readonly (readonly [what: string, change: Partial<Values>, faults: readonly (string | RegExp)[]])[] = [
  ['no folder for the store', { 'store.file': join(dir, 'no', 'm.db') }, [/^store\.file needs the folder DIR\/no, in which Mintmark can write: ENOENT/]],
  ['no key-encryption key', { 'keyEncryptionKey.file': join(dir, 'none') }, ['keyEncryptionKey.file is refused: The key-encryption key file DIR/none is not there. If the store has keys already, restore the file from your backup: nothing else opens them. For a new store, make one: (umask 077; head -c 32 /dev/urandom | base64 > DIR/none), and keep a copy in another place.']],
  ['a key-encryption key that is a folder', { 'keyEncryptionKey.file': dir }, [/^keyEncryptionKey\.file is refused: The key-encryption key file DIR can not be read: EISDIR.* Without it no sealed key opens\.$/]],
  ['an open key-encryption key', { 'keyEncryptionKey.file': put('open', randomBytes(32).toString('base64'), 0o644) }, [/^keyEncryptionKey\.file is refused: .* can be read by others than its owner: run chmod 600 DIR\/open\.$/]],
  ['a short key-encryption key', { 'keyEncryptionKey.file': put('short', 'AAAA') }, [/does not hold 32 bytes as base64\.$/]],
  ['no certificate', { 'management.tls.certificateFile': join(dir, 'none') }, [/^management\.tls\.certificateFile names DIR\/none, which can not be read: ENOENT/]],
  ['another key', { 'issuer.tls.keyFile': otherKey }, [/^issuer\.tls\.certificateFile and issuer\.tls\.keyFile do not belong together, or are no PEM: /]],
  ['an empty key', { 'issuer.tls.keyFile': put('empty.pem', '') }, ['issuer.tls.certificateFile and issuer.tls.keyFile are no pair: there is no key in the second, as PEM. Is a file empty, or its copy not finished?']],
  ['an empty certificate', { 'issuer.tls.certificateFile': put('empty.pem', '') }, ['issuer.tls.certificateFile and issuer.tls.keyFile are no pair: there is no certificate in the first, as PEM. Is a file empty, or its copy not finished?']],
  ['certificate and key the wrong way round', { 'issuer.tls.certificateFile': keyFile, 'issuer.tls.keyFile': certificateFile }, ['issuer.tls.certificateFile and issuer.tls.keyFile are no pair: there is no certificate in the first, and no key in the second, as PEM. Is a file empty, or its copy not finished?']],
  ['half a key', { 'issuer.tls.keyFile': put('half.pem', pair.privateKey.slice(0, pair.privateKey.length / 2)) }, [/^issuer\.tls\.certificateFile and issuer\.tls\.keyFile do not belong together, or are no PEM: /]],
  ['a key for everyone', { 'issuer.tls.keyFile': put('open.pem', pair.privateKey, 0o644) }, ['issuer.tls.keyFile names DIR/open.pem, which everyone on the machine can read or write: run chmod o= DIR/open.pem.']],
  ['signers of another host', { 'signers.listen': { host: '::', port: 1 }, 'signers.url': 'https://s.example.com', 'signers.behindProxy': false, 'signers.tls.certificateFile': certificateFile, 'signers.tls.keyFile': keyFile }, [`signers.tls.certificateFile does not cover s.example.com; ${COVERED}`]],
  ['another host', { 'management.url': 'https://m.example.com' }, [`management.tls.certificateFile does not cover m.example.com; ${COVERED}`]],
  ['issuers of another domain', { 'issuer.urlTemplate': 'https://{region}.example.com/{uuid}/' }, [`issuer.tls.certificateFile does not cover eastus.example.com; ${COVERED}`, `issuer.tls.certificateFile does not cover attic.example.com; ${COVERED}`]],
];

for (const [what, change, faults] of CASES) {
  test(`a fault: ${what}`, async () => {
    const found = await sentences(change);
    assert.equal(found.length, faults.length, found.join('\n'));
    for (const [at, fault] of faults.entries()) {
      if (typeof fault === 'string') assert.equal(found[at], fault);
      else assert.match(found[at]!, fault);
    }
  });
}

test('a certificate counts from its first to its last day', async () => {
  const [early, late] = [await sentences({ 'issuer.behindProxy': true }, later(NOW, -2 * DAY)), await sentences({ 'issuer.behindProxy': true }, later(NOW, 820 * DAY))];
  assert.deepEqual([...early, ...late], ['management.tls.certificateFile is not valid before 2026-02-28T12:00:00.000Z.', 'management.tls.certificateFile ended on 2028-05-29T12:00:00.000Z.']);
});

const AUTHORITIES: readonly (readonly [what: string, file: string, says: readonly string[]])[] = [
  ['certificates', put('ca.pem', authority.certificate), []],
  ['none', join(dir, 'none.pem'), ["federation.caFile names DIR/none.pem, which can not be read: ENOENT: no such file or directory, open 'DIR/none.pem'."]],
  ['text', put('text.pem', 'text'), ['federation.caFile names DIR/text.pem, in which there is no certificate in PEM.']],
];

for (const [what, file, says] of AUTHORITIES) test(`a file of authorities: ${what}`, async () => assert.deepEqual(await sentences({ 'federation.caFile': file }), says));

test('a file of authorities that is damaged', async () => {
  const [fault] = await sentences({ 'federation.caFile': put('damaged.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n') });
  assert.match(fault ?? '', /^federation\.caFile names DIR\/damaged\.pem, which has a certificate that can not be read: /);
});
