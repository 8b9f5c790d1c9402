/** The end of the certificate for the proof is told before it comes, and by name when it has come. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { certificateUser } from '../../test/support/client-certificate.ts';
import { controlPlaneHost } from '../../test/support/control-plane-host.ts';
import { makeKey, openedRing } from '../../test/support/signer-rings.ts';
import { DEFAULT_PROOF_ACCOUNT } from './api-server-proof.ts';
import { openKeyFiles } from './key-files-mode.ts';
import { proofOutlook } from './proof-certificate.ts';

const NOW = new Date('2026-03-01T00:00:00.000Z');
const days = (count: number, from = NOW): Date => new Date(from.getTime() + count * 86_400_000);

function kubeconfig(t: TestContext, user: object): string {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-proof-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'proof.conf');
  writeFileSync(file, JSON.stringify({ 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }], clusters: [{ name: 'k', cluster: { server: 'https://127.0.0.1:6443' } }], users: [{ name: 'u', user }] }));
  return file;
}

const NEW_ONE = 'Put a new one there, made as the first was. The signer reads the file anew each time, and needs no restart.';
const endsAt = (file: string, end: Date): string => `The client certificate in the kubeconfig ${file} ends at ${end.toISOString()}: from then on no restart of the API server can be proved, and rotations wait for this signer. ${NEW_ONE}`;
const endedAt = (file: string, end: Date): string => `The client certificate in the kubeconfig ${file} ended at ${end.toISOString()}: no restart of the API server can be proved, and rotations wait for this signer. ${NEW_ONE}`;

/** Days from now at which it begins and ends, and what is said. */
const CERTIFICATES: readonly (readonly [begins: number, ends: number, said: null | typeof endsAt])[] = [
  [-100, 265, null], [-334, 31, null], [-335, 30, endsAt], [-364, 1, endsAt], [-365, 0, endedAt], [-400, -35, endedAt],
  // Of a short life: in its last third, so that one which is renewed in time is never told.
  [-2, 5, null], [-6, 3, endsAt], [-3, -1, endedAt],
];

for (const [begins, ends, said] of CERTIFICATES) {
  test(`a certificate from day ${begins} to day ${ends}: ${said === null ? 'no warning' : said === endsAt ? 'it ends' : 'it ended'}`, async (t) => {
    const file = kubeconfig(t, await certificateUser(days(begins), days(ends)));
    assert.deepEqual(await proofOutlook(file, NOW), { endsAt: days(ends), warning: said?.(file, days(ends)) ?? null });
  });
}

test('without a kubeconfig, and with one that has a token, there is no certificate that ends', async (t) => {
  for (const file of [null, kubeconfig(t, { token: 'T' })]) assert.deepEqual(await proofOutlook(file, NOW), { endsAt: null, warning: null });
});

test('a kubeconfig, or a certificate in it, that can not be read is told', async (t) => {
  const file = kubeconfig(t, { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' });
  for (const [given, why] of [[file, 'its client certificate can not be read.'], [`${file}.none`, 'it can not be read (ENOENT).']] as const) {
    assert.deepEqual(await proofOutlook(given, NOW), { endsAt: null, warning: `No restart of the API server can be proved. The kubeconfig ${given} can not be used: ${why}` });
  }
});

test('the log says at the start that it ends, and at a proof that it has ended, and not only that the API server answers 401', async (t) => {
  const host = controlPlaneHost(t, 30);
  const standIn = await host.start();
  const file = join(host.dir, 'proof.conf');
  const [begin, end] = [days(-365, new Date(1000 * Math.floor(Date.now() / 1000))), days(-1, new Date(1000 * Math.floor(Date.now() / 1000)))];
  writeFileSync(file, standIn.kubeconfig('another', await certificateUser(begin, end)));
  const said: { readonly level: number; readonly msg: string }[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => said.push(JSON.parse(line) as (typeof said)[number]) });
  const files = await openKeyFiles({ folder: host.keyFolder, kubeconfig: file, account: DEFAULT_PROOF_ACCOUNT, restartManifest: null, keepAutoExtension: false }, log);
  await files.use(await openedRing({ active: makeKey(), prepared: makeKey(), version: 1 }));
  assert.equal(await files.proven(), false);
  assert.deepEqual(said.map(({ level, msg }) => [level, msg]), [[40, endedAt(file, end)], [30, `not acknowledged yet: ${endedAt(file, end)}`]]);
  writeFileSync(file, standIn.kubeconfig('another', await certificateUser(begin, days(300))));
  assert.equal(await files.proven(), false);
  assert.match(said.at(-1)!.msg, /The API server answers 401 to/, 'a new one is read without a restart');
});
