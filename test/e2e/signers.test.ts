/** Signers of the built program: over TLS that their token pins, through a rotation, a restart and their end; and that nothing is told of what is secret. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { test } from 'node:test';
import { compactVerify, createRemoteJWKSet, customFetch, decodeJwt } from 'jose';
import { parseEnrolmentToken } from '../../src/domain/enrolment-token.ts';
import { isDeletedSigner, type SignerRing } from '../../src/domain/ring-for-signer.ts';
import type { SignerBody } from '../../src/http/management/signer-contract.ts';
import type { RingReply } from '../../src/http/signers/contract.ts';
import type { OpenedRing } from '../../src/keys/ring-envelope.ts';
import { publicKeyOf } from '../../src/keys/generate.ts';
import { SignerKeys } from '../../src/keys/signer-keys.ts';
import { ClusterApi, exchange } from '../support/dev-api.ts';
import { DevHome, eventually, isFree, type Running } from '../support/dev-server.ts';
import { TestSigner } from '../support/signers.ts';

const home = await DevHome.make();
const url = `https://localhost:${home.signersPort}`;
const DEV = '-g dev -n dev';
const now = (): Date => new Date();
const ringOf = ({ ring }: OpenedRing): SignerRing => {
  assert.ok(!isDeletedSigner(ring));
  return ring;
};
const az = async (line: string): Promise<string> => {
  const { code, stdout, stderr } = await home.shell(`az ${line}`);
  assert.equal(code, 0, stderr);
  return stdout.trim();
};
let server: Running;
const told: string[] = [];
const secrets = new Map<string, string>();

async function enrol(name: string, keys = SignerKeys.generate()): Promise<{ readonly signer: TestSigner; readonly token: string }> {
  const token = await az(`signer create ${DEV} --signer ${name} --query token -o tsv --only-show-errors`);
  const signer = new TestSigner(url, now, keys, { ca: await readFile((await home.profile()).caFile, 'utf8'), audience: url });
  await signer.enrol(token);
  secrets.set(`the token of ${name}`, parseEnrolmentToken(token)!.secret);
  return { signer, token };
}

/** What is inside of an envelope, private half included. */
async function privateHalfIn(signer: TestSigner, ring: string): Promise<string> {
  const { plaintext } = await signer.keys.decrypt(ring);
  return (decodeJwt(Buffer.from(plaintext).toString('ascii')) as unknown as { active: { privateKey: string } }).active.privateKey;
}

test('a token pins the certificate that the listener shows, and nobody else answers there', async () => {
  server = await home.start();
  const { ca, url: said, kind } = parseEnrolmentToken(await az(`signer create ${DEV} --query token -o tsv --only-show-errors`))!;
  assert.deepEqual([said, kind], [url, 'once']);
  const last = await new Promise<Buffer>((resolve, reject) => {
    const socket = connect({ port: home.signersPort, host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false }, () => {
      let certificate = socket.getPeerCertificate(true);
      while (certificate.issuerCertificate !== undefined && certificate.issuerCertificate.fingerprint256 !== certificate.fingerprint256) certificate = certificate.issuerCertificate;
      resolve(certificate.raw);
      socket.destroy();
    });
    socket.once('error', reject);
  });
  assert.equal(ca, createHash('sha256').update(last).digest('hex'));
  assert.equal(ca, createHash('sha256').update(new X509Certificate(await readFile((await home.profile()).caFile)).raw).digest('hex'));
});

test('a rotation reaches a waiting signer, whose signatures verify against the public host; it holds the rotation up by name until it acknowledges', async () => {
  const { signer } = await enrol('cp-1');
  const first = await signer.send('GET', signer.target());
  const envelope = (first.body as RingReply).ring;
  secrets.set('the first private half', await privateHalfIn(signer, envelope));
  const opened = await signer.open(first.body as RingReply);
  const jwks = createRemoteJWKSet(new URL(`${opened.ring.issuer}openid/v1/jwks`), { [customFetch]: trusting });
  const verify = async ({ ring, signer: key }: OpenedRing): Promise<string> => {
    const input = `${Buffer.from(JSON.stringify({ alg: 'RS256', kid: key!.kid, typ: 'JWT' })).toString('base64url')}.${Buffer.from(JSON.stringify({ iss: ring.issuer })).toString('base64url')}`;
    return (await compactVerify(`${input}.${(await key!.sign(Buffer.from(input))).toString('base64url')}`, jwks)).protectedHeader.kid!;
  };
  assert.equal(await verify(opened), opened.signer!.kid);
  await signer.acknowledge({ keyInUse: opened.signer!.kid, leaseSeconds: ringOf(opened).leaseSeconds });

  const poll = signer.ring(50);
  await az(`issuer rotate ${DEV} -y --no-wait --only-show-errors`);
  let latest = (await poll)!;
  while (latest.signer!.kid === opened.signer!.kid) latest = (await signer.ring(50))!;
  assert.equal(await verify(latest), latest.signer!.kid);
  const retired = ringOf(latest).keys.find(({ kid }) => kid === opened.signer!.kid)!;
  assert.deepEqual([retired.state, retired.expiresAt], ['retired', null], 'no end is known before the signer has acknowledged');
  await signer.acknowledge({ keyInUse: latest.signer!.kid, leaseSeconds: ringOf(latest).leaseSeconds });
  const settled = await eventually('the retired key has an end', async () => {
    const key = ringOf((await signer.ring(50)) ?? latest).keys.find(({ kid }) => kid === retired.kid);
    return key?.expiresAt === null ? undefined : key;
  });
  assert.ok(Date.parse(settled!.expiresAt!) > Date.now());
  const shown = JSON.parse(await az(`signer show ${DEV} --signer cp-1`)) as SignerBody['properties'];
  assert.deepEqual([shown.keyInUse, shown.mode, Math.abs(shown.clockOffsetMilliseconds!) < 60_000], [latest.signer!.kid, 'external', true]);
});

test('a stop ends what waits at once, and the signer goes on after a restart', async () => {
  const { signer } = await enrol('cp-2');
  const ring = (await signer.ring())!;
  const waiting = signer.send('GET', signer.target(50));
  await eventually('it waits', async () => (JSON.parse(await az(`signer show ${DEV} --signer cp-2`)) as SignerBody['properties']).clockOffsetMilliseconds ?? undefined);
  const ended = server.end('SIGTERM');
  assert.equal((await waiting).status, 204);
  assert.equal((await ended).code, 0);
  told.push(server.stderr);
  assert.equal(await isFree(home.signersPort), true);
  server = await home.start();
  signer.has = { epoch: 0, version: 0 };
  assert.equal((await signer.ring())!.signer!.kid, ring.signer!.kid);
});

test('a key that the cluster has is imported; a signer gets it to verify with, and nobody else does', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [pub, key] = [join(home.dir, '..', 'sa.pub'), join(home.dir, '..', 'sa.key')];
  await writeFile(pub, publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const kid = await az(`issuer import-key ${DEV} --public-key-file ${pub} --query kid -o tsv --only-show-errors`);
  const { signer } = await enrol('cp-3');
  const ring = ringOf((await signer.ring())!);
  assert.deepEqual([ring.verifyOnly.map((one) => one.kid), ring.keys.some((one) => one.kid === kid)], [[kid], false]);
  assert.ok(publicKeyOf('RS256', ring.verifyOnly[0]!.publicMembers).equals(publicKey));
  assert.equal(await az(`issuer import-key ${DEV} --private-key-file ${key} --sign -y --query as -o tsv --only-show-errors`), 'prepared');
  secrets.set('the imported private half', Buffer.from(privateKey.export({ type: 'pkcs8', format: 'der' })).toString('base64').slice(40, 140));
  const { keys } = await (await ClusterApi.open(home)).show();
  assert.ok(keys.some((one) => one.kid === kid && one.state === 'prepared' && one.origin === 'imported'));
});

test('deletion is told signed and leaves a debt with its two steps; a cluster with other signers is not deleted', async () => {
  const { signer } = await enrol('cp-4');
  const kept = (await signer.ring())!.signer!.kid;
  const { stderr } = await home.shell(`az signer delete ${DEV} --signer cp-4 -y`);
  assert.ok(stderr.includes(`It had the private half of ${kept}.`) && stderr.includes('mintmark issuer rotate -g dev -n dev') && stderr.includes(`mintmark issuer revoke-key -g dev -n dev --kid ${kept}`), stderr);
  assert.ok(isDeletedSigner((await signer.ring())!.ring));
  const refused = await home.shell('az aks delete -g dev -n dev -y');
  assert.ok(refused.code === 1 && /SignersAttached.*cp-1/.test(refused.stderr), refused.stderr);
});

test('no log line and no audit line holds a token, an assertion or a private half; the audit says who came and went', async () => {
  assert.equal((await server.end('SIGTERM')).code, 0);
  const audit = await readFile(join(home.dir, 'audit.log'), 'utf8');
  const everything = [...told, server.stderr, audit].join('\n');
  assert.ok(secrets.size >= 6, `${secrets.size} secrets were looked for`);
  assert.deepEqual([...secrets].filter(([, secret]) => everything.includes(secret)).map(([name]) => name), []);
  assert.doesNotMatch(everything, /PRIVATE KEY|mmse_|mmsj_|eyJ[\w-]{10,}\./);
  const lines = audit.trimEnd().split('\n').map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const signers = lines.filter(({ kind }) => kind === 'signer').map(({ action, name, actor }) => `${String(action)} ${String(name)} ${String(actor).split(':')[0]}`);
  assert.deepEqual(signers, ['signer/enrolled cp-1 signer', 'signer/enrolled cp-2 signer', 'signer/enrolled cp-3 signer', 'signer/enrolled cp-4 signer', 'signer/deleted cp-4 principal']);
  for (const action of ['issuer/createSigner', 'issuer/deleteSigner', 'issuer/importKey']) assert.ok(lines.some((line) => line['kind'] === 'call' && line['action'] === action && line['result'] === 'done'), action);
});

/** A fetch that trusts the home's authority. */
async function trusting(target: string | URL | Request): Promise<Response> {
  const { status, text } = await exchange(home, 'GET', String(target));
  return new Response(text, { status });
}
