/** From one attachment to the next, with another hand between planning and writing, or an end between two files: a second run completes it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { controlPlaneHost, type Host, RING_KEY } from '../../test/support/control-plane-host.ts';
import { carryOut, type Surroundings } from './attach.ts';
import { type AttachRequest, planAttach } from './attach-plan.ts';
import { carryOutDetach, planDetach } from './detach.ts';
import { PATCH_FILE } from './patches.ts';
import type { Readiness } from './readiness.ts';

const NOW = new Date('2026-01-02T03:04:05.678Z');
const surroundings = (host: Host, readiness: Readiness | null = null): Surroundings => ({
  importKey: null, ourKeys: async () => RING_KEY.pem, signerKids: async () => [host.formerKid, RING_KEY.kid], readiness, now: () => NOW, patience: (check) => check(),
});
const attach = async (host: Host, change: Partial<AttachRequest>): Promise<unknown> => carryOut(await planAttach({ ...host.request, ...change }), surroundings(host));
const detach = async ({ manifest, keyFolder, request: { backupFolder } }: Host): Promise<void> => carryOutDetach((await planDetach({ manifest, keyFolder, backupFolder }))!, null, NOW);
const aside = (host: Host): readonly (string | null)[] => [join(host.keyFolder, 'attachment.json'), join(host.patchesFolder, PATCH_FILE)].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : null));
const TOUCHED = '# touched by kubeadm\n';

/** From what to what. The last two: one is a part of the other. */
const STEPS: readonly (readonly [string, Partial<AttachRequest> | null, Partial<AttachRequest>])[] = [
  ['nothing to sign', null, {}],
  ['accept to sign', { stage: 'accept' }, {}],
  ['sign to another socket', {}, { socket: '/run/other/other.sock' }],
  ['sign to sign with the extension', {}, { keepAutoExtension: true }],
  ['sign with the extension to sign without', { keepAutoExtension: true }, {}],
];

for (const [name, first, second] of STEPS) {
  test(`${name}: another changes the manifest meanwhile: record and patches are as before, and it can be done again and undone`, async (t) => {
    const host = controlPlaneHost(t, 36);
    const before = host.text();
    if (first !== null) await attach(host, first);
    const [kept, plan] = [aside(host), await planAttach({ ...host.request, ...second })];
    host.write(TOUCHED + host.text());
    await assert.rejects(carryOut(plan, surroundings(host)), { code: 'AttachmentRefused', message: /changed by another while this ran/ });
    assert.deepEqual(aside(host), kept);
    assert.equal(await attach(host, second), 'attached');
    assert.equal(host.text().replace(TOUCHED, ''), plan.after.replace(TOUCHED, ''));
    await detach(host);
    assert.deepEqual([host.text().replace(TOUCHED, ''), aside(host)], [before, [null, null]]);
  });

  for (const replaced of [false, true]) {
    test(`${name}: cut off ${replaced ? 'behind' : 'before'} the manifest: it can be done again and undone`, async (t) => {
      const again = await Promise.all(['again', 'undone'].map(() => cutOff(controlPlaneHost(t, 36), first, second, replaced)));
      const [{ host, after }, other] = again as [Cut, Cut];
      assert.equal(await attach(host, second), replaced ? 'unchanged' : 'attached');
      assert.equal(host.text(), after);
      for (const one of [host, other.host]) await detach(one);
      assert.deepEqual([host.text(), other.host.text(), aside(other.host)], [again[0]!.before, other.before, [null, null]]);
    });
  }
}

interface Cut {
  readonly host: Host;
  readonly before: string;
  readonly after: string;
}

/** The files that a process leaves that ends at the wait for the API server; with the former manifest, or the new one. */
async function cutOff(host: Host, first: Partial<AttachRequest> | null, second: Partial<AttachRequest>, replaced: boolean): Promise<Cut> {
  const before = host.text();
  if (first !== null) await attach(host, first);
  const plan = await planAttach({ ...host.request, ...second });
  const ended = new Error('the process ended');
  const readiness: Readiness = { assertReady: async () => undefined, awaitRestart: () => Promise.reject(ended), awaitReady: async () => null };
  await assert.rejects(carryOut(plan, surroundings(host, readiness)), ended);
  if (!replaced) writeFileSync(host.manifest, plan.before);
  return { host, before, after: plan.after };
}
