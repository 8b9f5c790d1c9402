/**
 * docs/kubernetes.md with the real program: a server, signers in processes of their own, and the command line on a host
 * whose manifest is one of kubeadm. The API server and its kubelet are the stand-in; its files, sockets, https and keys are real.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { applyPatch } from 'rfc6902';
import { parse, stringify } from 'yaml';
import type { ApiServerStandIn } from '../support/api-server-stand-in.ts';
import { certificateUser } from '../support/client-certificate.ts';
import { controlPlaneHost, type Host } from '../support/control-plane-host.ts';
import { ClusterApi } from '../support/dev-api.ts';
import { type Ended, eventually, freePort, ROOT, Running } from '../support/dev-server.ts';
import { SignerServer } from '../support/signer-servers.ts';

const server = await SignerServer.make();
const api = await ClusterApi.open(server);
const { issuerURL } = await api.show();
const HOME = server.path('login');
mkdirSync(HOME, { mode: 0o700 });
writeFileSync(join(HOME, 'profile.json'), JSON.stringify(await server.profile()), { mode: 0o600 });
const DEV = ['-g', 'dev', '-n', 'dev'] as const;

/** A command as a person on the host runs it. */
function run(...line: readonly string[]): Promise<Ended> {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...env } = process.env;
  return new Running(join(ROOT, 'bin/mintmark'), line, { env: { ...env, MINTMARK_HOME: HOME } }).ended;
}

async function done(...line: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...line);
  assert.equal(code, 0, `mintmark ${line.join(' ')}\n${stderr}`);
  return stdout;
}

/** While a command looks at /readyz: a restart of the stand-in is over in no time, unlike one of a kube-apiserver. */
async function watching(standIn: ApiServerStandIn, line: readonly string[]): Promise<string> {
  standIn.watched = true;
  try {
    return await done(...line);
  } finally {
    standIn.watched = false;
  }
}
const readyFlags = (host: Host, standIn: ApiServerStandIn): readonly string[] => ['--wait-ready', `${standIn.url}/readyz`, '--ca-file', join(host.dir, 'ca.pem'), '-y'];

function attach(host: Host, standIn: ApiServerStandIn, ...more: readonly string[]): Promise<string> {
  writeFileSync(join(host.dir, 'ca.pem'), standIn.ca);
  return watching(standIn, ['signer', 'attach', ...DEV, '--manifest', host.manifest, '--patches', host.patchesFolder, '--key-folder', host.keyFolder, '--socket', host.socket, ...readyFlags(host, standIn), ...more]);
}

/** As a relying party verifies: by the public documents. */
async function verified(token: string): Promise<string> {
  return (await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL })).payload.sub!;
}
const SUBJECT = 'system:serviceaccount:default:app';
const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

const proofFile = (host: Host): string => join(host.dir, 'proof.conf');

/** A signer with key files, enrolled with a token of the command line. */
async function keyFilesSigner(t: TestContext, host: Host, standIn: ApiServerStandIn, name: string, ...more: readonly string[]): Promise<Running> {
  const [token, state, kubeconfig] = [join(host.dir, 'token'), join(host.dir, 'state'), proofFile(host)];
  writeFileSync(token, await done('signer', 'create', ...DEV, '--signer', name, '--query', 'token', '-o', 'tsv'), { mode: 0o600 });
  if (!existsSync(kubeconfig)) writeFileSync(kubeconfig, standIn.kubeconfig(), { mode: 0o600 });
  await done('signer', 'enroll', '--token-file', token, '--state-dir', state);
  const signer = server.run('signer', 'run', '--state-dir', state, '--mode', 'key-files', '--key-folder', host.keyFolder, '--kubeconfig', kubeconfig, '--prove-with', 'default/app', '--allow-restart', '--manifest', host.manifest, ...more);
  t.after(() => signer.end('SIGTERM'));
  await eventually('the signer has written its files', () => signer.stderr.includes('"msg":"signing"') || undefined);
  return signer;
}

test('key files: enrol, attach, rotate with one restart that the API server proves, detach', async (t) => {
  const host = controlPlaneHost(t, 30);
  const standIn = await host.start();
  const before = standIn.token();
  await keyFilesSigner(t, host, standIn, 'cp-1');
  const text = host.text();
  const dry = await done('signer', 'attach', ...DEV, '--manifest', host.manifest, '--key-folder', host.keyFolder, '--dry-run');
  assert.ok(dry.includes(`+    - --service-account-issuer=${issuerURL}`), dry);
  assert.equal(host.text(), text);

  assert.match(await attach(host, standIn), /^The API server signs as https:/);
  const first = standIn.token();
  assert.deepEqual([await verified(first), await standIn.accepts(before), await standIn.accepts(first)], [SUBJECT, true, true]);
  assert.match(await attach(host, standIn), /is attached already/);

  const starts = standIn.starts;
  await done('issuer', 'rotate', ...DEV, '-y');
  // The rotation has ended when the key is active; the signer then restarts the API server.
  const second = await eventually('the API server signs by the next key', () => (kidOf(standIn.token()) === kidOf(first) ? undefined : standIn.token()));
  assert.deepEqual([await verified(first), await verified(second), standIn.starts], [SUBJECT, SUBJECT, starts + 1]);
  assert.deepEqual(await Promise.all([before, first, second].map((token) => standIn.accepts(token))), [true, true, true]);

  await watching(standIn, ['signer', 'detach', '--manifest', host.manifest, '--key-folder', host.keyFolder, ...readyFlags(host, standIn)]);
  assert.ok(await standIn.accepts(standIn.token()));
  assert.equal(readFileSync(host.manifest, 'utf8').includes(issuerURL), false);
  await done('signer', 'delete', ...DEV, '--signer', 'cp-1', '-y');
});

test('key files: health and metrics say when the certificate for the proof ends, and a new one counts without a restart', async (t) => {
  const host = controlPlaneHost(t, 30);
  const standIn = await host.start();
  const at = (days: number): Date => new Date(1000 * Math.floor(Date.now() / 1000) + days * 86_400_000);
  const [soon, later, port] = [at(10), at(300), await freePort()];
  const write = async (end: Date): Promise<void> => writeFileSync(proofFile(host), standIn.kubeconfig(undefined, await certificateUser(at(-90), end)), { mode: 0o600 });
  /** A look that gets no answer is a failure, and not a wait. */
  const look = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(60_000) })).text();
  const seen = async (): Promise<readonly [warnings: readonly string[], endsAt: string | null, metric: number]> => {
    const [health, metrics] = [await look('healthz'), await look('metrics')];
    const { warnings: [unread, ...warnings], proofCertificateEndsAt } = JSON.parse(health) as { readonly warnings: readonly string[]; readonly proofCertificateEndsAt: string | null };
    assert.match(unread ?? '', /^The API server is not known to have read the key files of 1-\d+ in \S+: attach it, or restart it if it is attached\. The signer's log says what is not proved yet\.$/);
    return [warnings, proofCertificateEndsAt, Number(/^mintmark_signer_proof_certificate_end_timestamp_seconds (.+)$/m.exec(metrics)![1]!.replace('+Inf', 'Infinity'))];
  };
  await write(soon);
  await keyFilesSigner(t, host, standIn, 'cp-health', '--health-listen', `127.0.0.1:${port}`);
  const [warnings, ...ends] = await seen();
  assert.deepEqual([warnings.map((text) => text.split(': ')[0]), ends], [[`The client certificate in the kubeconfig ${proofFile(host)} ends at ${soon.toISOString()}`], [soon.toISOString(), soon.getTime() / 1000]]);
  await write(later);
  assert.deepEqual(await seen(), [[], later.toISOString(), later.getTime() / 1000]);
  writeFileSync(proofFile(host), '{');
  assert.deepEqual(await seen(), [[`No restart of the API server can be proved. The kubeconfig ${proofFile(host)} can not be used: it is not YAML.`], null, 0]);
  writeFileSync(proofFile(host), standIn.kubeconfig());
  assert.deepEqual(await seen(), [[], null, Infinity]);
  await done('signer', 'delete', ...DEV, '--signer', 'cp-health', '-y');
});

test('key files that can not be wiped end a deleted signer with the reason, also while its health is listened for', async (t) => {
  const host = controlPlaneHost(t, 30);
  const standIn = await host.start();
  const signer = await keyFilesSigner(t, host, standIn, 'cp-stuck', '--health-listen', `127.0.0.1:${await freePort()}`);
  rmSync(host.keyFolder, { recursive: true });
  writeFileSync(host.keyFolder, 'no folder');
  await done('signer', 'delete', ...DEV, '--signer', 'cp-stuck', '-y');
  const { code, stderr } = await signer.ended;
  assert.deepEqual([code, stderr.includes(`ENOTDIR: not a directory, scandir '${host.keyFolder}'`)], [1, true], stderr);
});

test('external: first it accepts what Mintmark signs; then the signer is asked for the imported key before the API server depends on it', async (t) => {
  const host = controlPlaneHost(t, 36);
  const standIn = await host.start();
  const ours = (await api.jwks()).keys.map(({ kid }) => kid!);
  const verifiedBy = (kids: readonly string[]): readonly boolean[] => ours.map((kid) => kids.includes(kid));
  assert.ok(ours.length >= 2 && verifiedBy(standIn.kids).every((known) => !known));
  assert.match(await attach(host, standIn, '--stage', 'accept'), /accepts tokens of https:.* and signs as before/);
  assert.deepEqual([verifiedBy(standIn.kids).every(Boolean), standIn.issuers.at(-1), await standIn.accepts(standIn.token())], [true, issuerURL, true]);
  const refused = await run('signer', 'attach', ...DEV, '--manifest', host.manifest, '--key-folder', host.keyFolder, '--socket', host.socket, '-y');
  assert.deepEqual([refused.code, /No signer answers at/.test(refused.stderr)], [1, true], refused.stderr);
  const signer = await server.signer('cp-2');
  const running = server.run('signer', 'run', '--state-dir', signer.stateDir, '--socket', host.socket);
  t.after(() => running.end('SIGTERM'));
  await eventually('the signer signs', () => running.stderr.includes('"msg":"signing"') || undefined);
  assert.match(await attach(host, standIn), /^The API server signs as https:/);
  assert.deepEqual([standIn.fault, /--service-account-signing-endpoint=/.test(host.text()), /--service-account-key-file=/.test(host.text())], [null, true, false]);
});

/** As k3s starts its API server: flags of its own, in which those of `kube-apiserver-arg` take the place of their namesakes. */
function k3sStarts(host: Host, config: string): void {
  const args = (parse(config.replaceAll('/var/lib/rancher/k3s/server/tls/service.key', join(host.dir, 'pki/sa.key'))) as { readonly 'kube-apiserver-arg': readonly string[] })['kube-apiserver-arg'];
  const names = new Set(args.map((arg) => `--${arg.split('=')[0]}`));
  const pod = parse(host.text()) as { spec: { containers: [{ command: string[] }] } };
  const [container] = pod.spec.containers;
  container.command = [...container.command.filter((flag) => !names.has(flag.split('=')[0]!)), ...args.map((arg) => `--${arg}`)];
  host.write(stringify(pod));
}

test('k3s by hand, in two passes: the public keys that a command prints are the file that the first needs', async (t) => {
  const hosts = [controlPlaneHost(t, 36), controlPlaneHost(t, 36)] as const;
  const [first, second] = [await hosts[0].start(), await hosts[1].start()];
  const before = first.token();
  const restarted = async (host: Host, standIn: ApiServerStandIn, stage: string): Promise<void> => {
    const starts = standIn.starts;
    k3sStarts(host, await done('issuer', 'show-api-server-flags', ...DEV, '--distribution', 'k3s', '--stage', stage, '--key-folder', host.keyFolder));
    await eventually(`k3s has started to ${stage}`, () => standIn.starts > starts || standIn.fault !== null || undefined);
    assert.equal(standIn.fault, null);
  };
  const accepted = await done('issuer', 'show-public-keys', ...DEV);
  for (const [at, standIn] of [first, second].entries()) {
    writeFileSync(join(hosts[at]!.keyFolder, 'accepted.pub'), accepted);
    await restarted(hosts[at]!, standIn, 'accept');
    assert.deepEqual((await api.jwks()).keys.filter(({ kid }) => !standIn.kids.includes(kid!)), []);
    assert.deepEqual([await standIn.accepts(before), await standIn.accepts(standIn.token())], [true, true]);
  }
  await keyFilesSigner(t, hosts[1], second, 'k3s-2');
  await restarted(hosts[1], second, 'sign');
  const [ours, theirs] = [second.token(), first.token()];
  assert.deepEqual([await verified(ours), await first.accepts(ours), await second.accepts(theirs), await second.accepts(before)], [SUBJECT, true, true, true]);
  await done('signer', 'delete', ...DEV, '--signer', 'k3s-2', '-y');
});

test('Cluster API: what a KubeadmControlPlane needs to accept is all in what the command prints, the public keys among it', async (t) => {
  const host = controlPlaneHost(t, 36);
  const standIn = await host.start();
  const printed = await done('issuer', 'show-api-server-flags', ...DEV, '--distribution', 'cluster-api', '--stage', 'accept', '--key-folder', host.keyFolder, '--manifest', host.manifest);
  const { spec: { kubeadmConfigSpec: { files } } } = parse(printed) as { readonly spec: { readonly kubeadmConfigSpec: { readonly files: readonly { readonly path: string; readonly content: string }[] } } };
  const [patches, accepted] = files;
  assert.deepEqual(files.map(({ path }) => path), ['/etc/kubernetes/patches/kube-apiserver9mintmark+json.json', join(host.keyFolder, 'accepted.pub')]);
  writeFileSync(accepted!.path, accepted!.content);
  const pod = parse(host.text()) as object;
  assert.deepEqual(applyPatch(pod, JSON.parse(patches!.content) as never).filter((outcome) => outcome !== null), []);
  host.write(stringify(pod));
  await eventually('the API server has started with it', () => standIn.starts > 1 || standIn.fault !== null || undefined);
  assert.equal(standIn.fault, null);
  assert.deepEqual((await api.jwks()).keys.filter(({ kid }) => !standIn.kids.includes(kid!)), []);
  assert.deepEqual([standIn.issuers.at(-1), await standIn.accepts(standIn.token())], [issuerURL, true]);
});
