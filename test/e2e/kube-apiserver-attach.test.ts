/**
 * docs/kubernetes.md on a real kube-apiserver, 1.34 or later: `signer attach` and `detach` edit a manifest of kubeadm's, and
 * what it says is run. The kubelet alone is a stand-in (`test/support/static-pod.ts`). Skipped where `KUBEBUILDER_ASSETS` is not set.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';
import { controlPlaneHost, type Host } from '../support/control-plane-host.ts';
import { ClusterApi } from '../support/dev-api.ts';
import { eventually, ROOT, Running } from '../support/dev-server.ts';
import { KUBE_MISSING, KubeApiServer } from '../support/kube-apiserver.ts';
import { SignerServer } from '../support/signer-servers.ts';
import { StaticPod } from '../support/static-pod.ts';

const ACCEPTED = { authenticated: true, username: 'system:serviceaccount:default:app' };
const FORMER_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const SUBJECT = 'system:serviceaccount:default:app';
const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

/** Everything on one host: a server with an issuer, a login, a kube-apiserver that kubeadm's manifest runs. */
interface Scene {
  readonly server: SignerServer;
  readonly api: ClusterApi;
  readonly issuerURL: string;
  readonly kube: KubeApiServer;
  readonly host: Host;
  readonly pod: StaticPod;
  /** The command line; what it prints. */
  done(...line: readonly string[]): Promise<string>;
  /** `signer attach`, which waits until the API server is ready again. */
  attach(...more: readonly string[]): Promise<string>;
  detach(): Promise<string>;
  /** As a relying party verifies. */
  verified(token: string): Promise<string>;
}

/** The certificates that kubeadm's manifest names; one authority stands for all of them. */
async function writePki(dir: string): Promise<void> {
  const authority = await createAuthority('kubernetes', new Date());
  const { certificate, privateKey } = await createServerCertificate(authority, ['127.0.0.1', 'localhost'], new Date());
  mkdirSync(join(dir, 'etcd'));
  for (const name of ['ca', 'front-proxy-ca', 'etcd/ca']) writeFileSync(join(dir, `${name}.crt`), authority.certificate);
  for (const name of ['apiserver', 'apiserver-etcd-client', 'apiserver-kubelet-client', 'front-proxy-client']) {
    writeFileSync(join(dir, `${name}.crt`), certificate);
    writeFileSync(join(dir, `${name}.key`), privateKey, { mode: 0o600 });
  }
}

async function scene(t: TestContext): Promise<Scene> {
  const server = await SignerServer.open();
  const kube = await KubeApiServer.make(server.path('kube'));
  let pod: StaticPod | undefined;
  // The API server before its etcd: without one it does not end.
  t.after(async () => {
    if (!t.passed) t.diagnostic(pod?.stderr.slice(-3000) ?? 'the API server was not started');
    await pod?.end();
    await kube.end();
    server.remove();
  });
  const { 'cert-dir': _own, 'authorization-mode': _mode, ...flags } = kube.flags;
  const host = controlPlaneHost(t, 36, { address: '127.0.0.1', extraArgs: flags });
  await writePki(join(host.dir, 'pki'));
  kube.caFile = join(host.dir, 'pki/ca.crt');
  const login = server.path('login');
  mkdirSync(login, { mode: 0o700 });
  writeFileSync(join(login, 'profile.json'), JSON.stringify(await server.profile()), { mode: 0o600 });
  pod = StaticPod.run(host.manifest);
  await kube.ready();
  const api = await ClusterApi.open(server);
  const { issuerURL } = await api.show();
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
  async function done(...line: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await new Running(join(ROOT, 'bin/mintmark'), line, { env: { ...env, MINTMARK_HOME: login } }).ended;
    assert.equal(code, 0, `mintmark ${line.join(' ')}\n${stderr}`);
    return stdout;
  }
  const files = ['--manifest', host.manifest, '--key-folder', host.keyFolder, '--wait-ready', `${kube.url}/readyz`, '--ca-file', kube.caFile, '-y'];
  return {
    server, api, issuerURL, kube, host, pod, done,
    attach: (...more) => done('signer', 'attach', '-g', 'dev', '-n', 'dev', ...files, '--patches', host.patchesFolder, '--socket', host.socket, ...more),
    detach: () => done('signer', 'detach', ...files),
    verified: async (token) => (await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL })).payload.sub!,
  };
}

/** Enrols a machine with a token of the command line and runs its signer until the end of the test. */
async function runSigner(t: TestContext, { server, host, done }: Scene, ...flags: readonly string[]): Promise<void> {
  const [token, state] = [join(host.dir, 'token'), join(host.dir, 'state')];
  writeFileSync(token, await done('signer', 'create', '-g', 'dev', '-n', 'dev', '--signer', 'cp-1', '--query', 'token', '-o', 'tsv'), { mode: 0o600 });
  await done('signer', 'enroll', '--token-file', token, '--state-dir', state);
  const signer = server.run('signer', 'run', '--state-dir', state, ...flags);
  t.after(() => signer.end('SIGTERM'));
  await eventually('the signer signs', () => signer.stderr.includes('"msg":"signing"') || undefined);
}

test('a real kube-apiserver of kubeadm, attached to a socket: it accepts, signs, rotates without a restart, and goes back', { skip: KUBE_MISSING }, async (t) => {
  const all = await scene(t);
  const { api, attach, detach, host, issuerURL, kube, pod, verified } = all;
  const [original, before] = [host.text(), await kube.requestToken()];
  assert.deepEqual([decodeJwt(before).iss, kidOf(before)], [FORMER_ISSUER, host.formerKid]);

  assert.match(await attach('--stage', 'accept'), /accepts tokens of https:.* and signs as before/);
  const accepting = await kube.requestToken();
  assert.deepEqual([decodeJwt(accepting).iss, kidOf(accepting), await kube.review(before)], [FORMER_ISSUER, host.formerKid, ACCEPTED]);

  await runSigner(t, all, '--socket', host.socket);
  assert.match(await attach(), /^The API server signs as https:/);
  const first = await kube.requestToken();
  assert.deepEqual([decodeJwt(first).iss, await verified(first)], [issuerURL, SUBJECT]);
  for (const token of [before, accepting, first]) assert.deepEqual(await kube.review(token), ACCEPTED);
  assert.match(await attach(), /is attached already/);

  const starts = pod.starts;
  await api.rotateToTheEnd();
  const second = await eventually('a token has the new key', async () => {
    const token = await kube.requestToken();
    return kidOf(token) === kidOf(first) ? undefined : token;
  });
  for (const token of [before, first, second]) assert.deepEqual(await kube.review(token), ACCEPTED);
  assert.deepEqual([await verified(first), await verified(second), pod.starts], [SUBJECT, SUBJECT, starts]);

  assert.match(await attach('--stage', 'accept'), /accepts tokens of https:.* and signs as before/);
  const back = await kube.requestToken();
  assert.deepEqual([decodeJwt(back).iss, kidOf(back)], [FORMER_ISSUER, host.formerKid]);
  for (const token of [before, first, second]) assert.deepEqual(await kube.review(token), ACCEPTED);
  await detach();
  assert.equal(host.text(), original);
  assert.deepEqual([await kube.review(back), (await kube.review(second)).authenticated], [ACCEPTED, false]);
});

test('a real kube-apiserver of kubeadm, with key files: one restart, which a user with the two rights of the example proves', { skip: KUBE_MISSING }, async (t) => {
  const all = await scene(t);
  const { attach, done, host, issuerURL, kube, pod, verified } = all;
  await kube.create(join(ROOT, 'examples/proof-access.yaml'));
  const before = await kube.requestToken();
  const kubeconfig = join(host.dir, 'proof.conf');
  writeFileSync(kubeconfig, await kube.proofKubeconfig(), { mode: 0o600 });
  await runSigner(t, all, '--mode', 'key-files', '--key-folder', host.keyFolder, '--kubeconfig', kubeconfig, '--prove-with', 'kube-system/mintmark-proof', '--allow-restart', '--manifest', host.manifest);
  assert.match(await attach('--mode', 'key-files'), /^The API server signs as https:/);
  const first = await kube.requestToken();
  assert.deepEqual([decodeJwt(first).iss, await verified(first)], [issuerURL, SUBJECT]);
  for (const token of [before, first]) assert.deepEqual(await kube.review(token), ACCEPTED);

  const starts = pod.starts;
  await done('issuer', 'rotate', '-g', 'dev', '-n', 'dev', '-y');
  const second = await eventually('the API server signs by the next key', async () => {
    const token = await kube.requestToken().catch(() => undefined);
    return token === undefined || kidOf(token) === kidOf(first) ? undefined : token;
  });
  assert.deepEqual([pod.starts, await verified(first), await verified(second)], [starts + 1, SUBJECT, SUBJECT]);
  for (const token of [before, first, second]) assert.deepEqual(await kube.review(token), ACCEPTED);
  await eventually('the restart is proved, and acknowledged', async () => {
    const [{ state }] = JSON.parse(await done('signer', 'list', '-g', 'dev', '-n', 'dev', '-o', 'json')) as [{ readonly state: string }];
    return state === 'current' || undefined;
  });
});
