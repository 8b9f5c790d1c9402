/** What nobody asked to change stays as it is written: numbers that YAML 1.1, which the kubelet reads, and 1.2 take for others. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { controlPlaneHost, type Host, RING_KEY } from '../../test/support/control-plane-host.ts';
import { carryOut } from './attach.ts';
import { planAttach } from './attach-plan.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { manifestText, parseManifest, saysSame } from './manifest.ts';
import { restartFor } from './restart.ts';

const VALUES = ['0644', '0o17', '0b11', '0x1F', '123456789012345678901', '1.10', '1e3', '+5', '-0', '1_000', '12:30:45', '2026-01-02', 'on', '~', 'TRUE', '.INF', '"0644"', '!!int 0644'] as const;
const POD = 'apiVersion: v1\nkind: Pod\n';

for (const head of ['', '%YAML 1.1\n---\n']) {
  for (const value of VALUES) test(`${head.split('\n')[0]} ${value} stays`, () => {
    const text = `${head}${POD}x: ${value}\n`;
    assert.equal(manifestText(parseManifest(text, 'm')), text);
  });
}

test('numbers that are written differently are different, and others not', () => {
  const pod = (value: string) => parseManifest(`${POD}x: ${value}\n`, 'm');
  assert.deepEqual([['0644', '644'], ['9007199254740993', '9007199254740992'], ['0644', '0644 # a'], ['"a"', 'a']].map(([one, other]) => saysSame(pod(one!), pod(other!))), [false, false, true, true]);
});

const VOLUME = '  - downwardAPI:\n      defaultMode: 0644\n      items:\n      - fieldRef:\n          fieldPath: metadata.labels\n        mode: 0400\n        path: labels\n    name: info\n';
const MODES = ['defaultMode: 0644', 'mode: 0400'];
const modesIn = (text: string): readonly string[] => text.match(/(?:defaultMode|mode): .*/g) ?? [];

function withModes(t: TestContext, minor: number): Host {
  const host = controlPlaneHost(t, minor);
  host.write(host.text().replace('  volumes:\n', (line) => line + VOLUME));
  return host;
}

test('attach, and detach of a manifest that was changed meanwhile, leave the modes of files', async (t) => {
  const host = withModes(t, 36);
  await carryOut(await planAttach(host.request), { importKey: null, ourKeys: async () => RING_KEY.pem, signerKids: async () => [host.formerKid, RING_KEY.kid], readiness: null, now: () => new Date(), patience: (check) => check() });
  assert.deepEqual(modesIn(host.text()), MODES);
  host.write(host.text().replace('mode: 0400', 'mode: 400'));
  await carryOutDetach((await planDetach({ manifest: host.manifest, keyFolder: host.keyFolder, backupFolder: host.request.backupFolder }))!, null, new Date());
  assert.deepEqual(modesIn(host.text()), [MODES[0], 'mode: 400'], 'the backup is not taken for the same');
});

test('a restart by the annotation leaves them too', async (t) => {
  const host = withModes(t, 30);
  host.write(host.text().replace(/(signing-key-file=).*/, `$1${join(host.keyFolder, 'sa.key')}`));
  const before = host.text();
  await restartFor(host.manifest, host.keyFolder, { epoch: 1, version: 2, signer: 'cp-1' });
  assert.equal(host.text().replace(/ {4}mintmark-key-files: .*\n/, ''), before);
});
