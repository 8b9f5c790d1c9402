/** What restarts by the manifest leave in it: nothing, once it is detached. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Host } from '../../test/support/control-plane-host.ts';
import { attached } from '../../test/support/key-file-mode.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { parseManifest, podOf } from './manifest.ts';
import { restartFor } from './restart.ts';

const restart = ({ manifest, keyFolder }: Host): Promise<void> => restartFor(manifest, keyFolder, { epoch: 1, version: 9, signer: 'cp-1' });
const detach = async ({ manifest, keyFolder, dir }: Host): Promise<void> => carryOutDetach((await planDetach({ manifest, keyFolder, backupFolder: join(dir, 'backups') }))!, null, new Date());
const ANNOTATION = /^ {4}mintmark-key-files: 1-9 of cp-1$/m;
const annotations = (host: Host): unknown => (podOf(parseManifest(host.text(), 'm')) as { readonly metadata: { readonly annotations?: unknown } }).metadata.annotations;

test('detach gives the bytes from before, without the annotation of a restart', async (t) => {
  const { host } = await attached(t);
  const { backup } = JSON.parse(readFileSync(join(host.keyFolder, 'attachment.json'), 'utf8')) as { readonly backup: string };
  const before = readFileSync(backup, 'utf8');
  await restart(host);
  assert.match(host.text(), ANNOTATION);
  await detach(host);
  assert.equal(host.text(), before);
});

test('where something was changed meanwhile, the annotations of others stay, and no empty map', async (t) => {
  for (const [others, isRestarted] of [[true, true], [false, true], [false, false]] as const) {
    const { host } = await attached(t);
    if (!others) host.write(host.text().replace(/ {2}annotations:\n(?: {4}.*\n)+/, ''));
    host.write(host.text().replace('    - --secure-port=6443', '    - --secure-port=6443\n    - --audit-log-path=/a.log'));
    const former = annotations(host);
    if (isRestarted) await restart(host);
    assert.equal(ANNOTATION.test(host.text()), isRestarted);
    await detach(host);
    assert.deepEqual([annotations(host), former === undefined, host.text().includes('--audit-log-path=/a.log')], [former, !others, true]);
  }
});
