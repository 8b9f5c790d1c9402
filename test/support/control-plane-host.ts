/**
 * The host of an API server in a folder: a manifest as kubeadm writes it, its PKI, room for patches, keys and backups, and
 * a stand-in that runs it. Paths of the manifest lead into the folder.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { ask } from '../../src/attach/api-server-client.ts';
import type { AttachRequest } from '../../src/attach/attach-plan.ts';
import { createReadiness, type Readiness } from '../../src/attach/readiness.ts';
import { keyId } from '../../src/keys/generate.ts';
import { ApiServerStandIn } from './api-server-stand-in.ts';
import { kubeadmManifest, type KubeadmOptions } from './kubeadm-manifest.ts';

export const ISSUER = 'https://eastus.oic.example.com/t/u/';

export interface Host {
  readonly dir: string;
  readonly manifest: string;
  readonly keyFolder: string;
  readonly patchesFolder: string;
  readonly socket: string;
  /** Of the key that kubeadm made. */
  readonly formerKid: string;
  readonly request: AttachRequest;
  text(): string;
  write(text: string): void;
  start(): Promise<ApiServerStandIn>;
}

const pairs = Array.from({ length: 2 }, () => generateKeyPairSync('rsa', { modulusLength: 2048 }));
/** A key of the ring, in the two forms that its files have. */
export const RING_KEY = { kid: keyId(pairs[1]!.publicKey), pem: String(pairs[1]!.publicKey.export({ type: 'spki', format: 'pem' })), privatePem: String(pairs[1]!.privateKey.export({ type: 'pkcs8', format: 'pem' })) } as const;

export function controlPlaneHost(t: TestContext, minor: number, options: KubeadmOptions = {}): Host {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-host-'));
  const running: ApiServerStandIn[] = [];
  t.after(async () => {
    await Promise.all(running.map((standIn) => standIn.close()));
    rmSync(dir, { recursive: true, force: true });
  });
  const [{ publicKey, privateKey }] = pairs as [(typeof pairs)[0]];
  for (const folder of ['manifests', 'pki', 'run', 'keys']) mkdirSync(join(dir, folder), { mode: 0o755 });
  writeFileSync(join(dir, 'pki/sa.pub'), String(publicKey.export({ type: 'spki', format: 'pem' })));
  writeFileSync(join(dir, 'pki/sa.key'), String(privateKey.export({ type: 'pkcs1', format: 'pem' })), { mode: 0o600 });
  const manifest = join(dir, 'manifests/kube-apiserver.yaml');
  writeFileSync(manifest, kubeadmManifest(minor, options).replaceAll('/etc/kubernetes/pki', join(dir, 'pki')), { mode: 0o600 });
  const [keyFolder, patchesFolder, socket] = [join(dir, 'keys'), join(dir, 'patches'), join(dir, 'run/signer.sock')];
  return {
    dir, manifest, keyFolder, patchesFolder, socket, formerKid: keyId(publicKey),
    request: { manifest, patchesFolder, keyFolder, backupFolder: join(dir, 'backups'), socket, distribution: 'kubeadm', way: null, stage: 'sign', useAlpha: false, keepAutoExtension: false, imported: false, issuerUrl: ISSUER, jwksUri: `${ISSUER}openid/v1/jwks`, minor },
    text: () => readFileSync(manifest, 'utf8'),
    write: (text) => writeFileSync(manifest, text),
    async start() {
      const standIn = await ApiServerStandIn.run(manifest);
      running.push(standIn);
      if (standIn.fault !== null) throw new Error(`the stand-in did not start: ${standIn.fault}`);
      return standIn;
    },
  };
}

/** Looks often, and gives up after so many looks. The stand-in knows that it is watched from the first look to the last. */
export function readinessOf(standIn: ApiServerStandIn, looks = 2000): Readiness {
  let now = 0;
  const server = { url: standIn.url, ca: standIn.ca, serverName: null, client: null, token: null };
  const readiness = createReadiness(`${standIn.url}/readyz`, () => ask(server, '/readyz'), { now: () => now, wait: async () => { now += 1; await pause(5); } }, looks);
  const last = async (look: () => Promise<string | null>): Promise<string | null> => {
    const fault = await look();
    standIn.watched = false;
    return fault;
  };
  return {
    assertReady: () => readiness.assertReady().then(() => { standIn.watched = true; }),
    awaitRestart: () => last(() => readiness.awaitRestart()),
    awaitReady: () => { standIn.watched = true; return last(() => readiness.awaitReady()); },
  };
}
