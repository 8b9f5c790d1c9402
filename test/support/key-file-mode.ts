/** Key-file mode on a host with a stand-in for kube-apiserver, whose rings have the keys `k1` to `k4`. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext } from 'node:test';
import { pino } from 'pino';
import type { ApiServerStandIn } from './api-server-stand-in.ts';
import { controlPlaneHost, type Host, readinessOf } from './control-plane-host.ts';
import { ISSUER, makeKey, openedRing, type TestKey } from './signer-rings.ts';
import { keysOfFile } from '../../src/keys/key-files.ts';
import { ask } from '../../src/attach/api-server-client.ts';
import { apiServerFacts, DEFAULT_PROOF_ACCOUNT } from '../../src/attach/api-server-proof.ts';
import { carryOut } from '../../src/attach/attach.ts';
import { planAttach } from '../../src/attach/attach-plan.ts';
import { KeyFiles, type KeyFilesDeps } from '../../src/attach/key-files.ts';
import { readKubeconfig } from '../../src/attach/kubeconfig.ts';

export const [k1, k2, k3, k4] = [makeKey(), makeKey(), makeKey(), makeKey()] as const;
export const NOW = new Date('2026-03-01T00:00:00Z');
export const LATER = new Date('2026-03-02T00:05:00Z');

/** A host whose API server signs with Mintmark's files. */
export async function attached(t: TestContext, change: Partial<KeyFilesDeps> = {}): Promise<{ host: Host; standIn: ApiServerStandIn; files: KeyFiles; logged: string[] }> {
  const host = controlPlaneHost(t, 30);
  const { files, logged } = keyFiles(host, change);
  const former = keysOfFile(readFileSync(join(host.dir, 'pki/sa.pub'), 'utf8'), 'f')[0]!;
  await files.use(await openedRing({ active: k1, prepared: k2, version: 1 }));
  const standIn = await host.start();
  await carryOut(await planAttach({ ...host.request, issuerUrl: ISSUER }), {
    importKey: async ({ pem }) => writeFileSync(join(host.keyFolder, 'sa.pub'), readFileSync(join(host.keyFolder, 'sa.pub'), 'utf8') + pem),
    ourKeys: async () => String(k1.publicKey.export({ type: 'spki', format: 'pem' })), signerKids: async () => [former.kid], readiness: readinessOf(standIn), now: () => NOW, patience: (check) => check(),
  });
  return { host, standIn, files, logged };
}

export function keyFiles(host: Host, change: Partial<KeyFilesDeps> = {}): { files: KeyFiles; logged: string[] } {
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logged.push((JSON.parse(line) as { msg: string }).msg) });
  return { logged, files: new KeyFiles({ folder: host.keyFolder, facts: null, restart: null, keepAutoExtension: false, now: () => NOW, log, ...change }) };
}

/** What a kubeconfig of the host lets the signer see. */
export const factsOf = (host: Host, standIn: ApiServerStandIn) => async () => {
  const file = join(host.dir, 'admin.conf');
  writeFileSync(file, standIn.kubeconfig());
  return apiServerFacts(await readKubeconfig(file), DEFAULT_PROOF_ACCOUNT, ask);
};
export const kidsIn = (host: Host, file = 'sa.pub'): readonly string[] => keysOfFile(readFileSync(join(host.keyFolder, file), 'utf8'), file).map(({ kid }) => kid);
export const rotated = () => openedRing({ retired: [[k1, null]], active: k2, prepared: k3, version: 2 });
export const kids = (...keys: readonly TestKey[]): readonly string[] => keys.map(({ kid }) => kid);

/** Condition by condition, as the signer looks. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 2000; looks += 1) {
    if (await check()) return;
    await new Promise((resolve) => { setTimeout(resolve, 5); });
  }
  assert.fail('waited in vain');
}
