/**
 * A real kube-apiserver, 1.34 or later, signs with Mintmark and rotates without a restart. It and etcd are looked for where
 * `KUBEBUILDER_ASSETS` says (CONTRIBUTING.md); where that is not set, `test/support/api-server.ts` makes the same checks,
 * and this file is skipped.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { ClusterApi, success } from '../support/dev-api.ts';
import { eventually } from '../support/dev-server.ts';
import { KUBE_MISSING, KubeApiServer } from '../support/kube-apiserver.ts';
import { SignerServer } from '../support/signer-servers.ts';

const ACCEPTED = { authenticated: true, username: 'system:serviceaccount:default:app' };
const FORMER_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

test('a real kube-apiserver', { skip: KUBE_MISSING }, async (t) => {
  const server = await SignerServer.open();
  const [api, host] = [await ClusterApi.open(server), await server.signer('cp-1')];
  const { issuerURL, jwksURI } = await api.show();
  const kube = await KubeApiServer.make(server.path('kube'));
  t.after(async () => {
    await kube.end();
    server.remove();
  });
  const external = [`--service-account-issuer=${issuerURL}`, `--service-account-issuer=${FORMER_ISSUER}`, `--service-account-jwks-uri=${jwksURI}`, `--service-account-signing-endpoint=${host.socket}`];

  async function verified(token: string): Promise<string> {
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL });
    return protectedHeader.kid!;
  }

  let former = '';
  await t.test('a cluster with keys of its own: its public half is imported', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const [saKey, saPub] = [server.path('sa.key'), server.path('sa.pub')];
    writeFileSync(saKey, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    writeFileSync(saPub, publicKey.export({ type: 'spki', format: 'pem' }));
    await kube.start(`--service-account-issuer=${FORMER_ISSUER}`, `--service-account-signing-key-file=${saKey}`, `--service-account-key-file=${saPub}`);
    former = await kube.requestToken();
    assert.deepEqual(await kube.review(former), ACCEPTED);
    await kube.stop();
    success(await api.send('POST', `${api.issuer}/importKey`, { publicKey: publicKey.export({ type: 'spki', format: 'pem' }) }));
  });

  await t.test('it starts before its signer, and waits for the socket', async () => {
    const running = kube.launch(...external);
    await host.start();
    await kube.ready(running);
  });

  await t.test('a token through the socket, by TokenReview and by the public documents', async () => {
    const token = await kube.requestToken();
    const [key1] = (await api.jwks()).keys.map(({ kid }) => kid);
    assert.deepEqual([await kube.review(token), await verified(token)], [ACCEPTED, key1]);
  });

  await t.test('a token of the former key verifies, and that key is in no JWKS', async () => {
    assert.deepEqual(await kube.review(former), ACCEPTED);
    const published = (await api.jwks()).keys.map(({ kid }) => kid!);
    assert.deepEqual(await kube.jwks(), published);
    assert.ok(!published.includes(kidOf(former)));
  });

  let [old, young] = ['', ''];
  await t.test('a rotation while requests run: none fails, nothing restarts', async () => {
    old = await kube.requestToken();
    let [isRotating, requests] = [true, 0];
    const load = (async () => {
      while (isRotating) {
        assert.deepEqual(await kube.review(await kube.requestToken()), ACCEPTED);
        requests += 1;
      }
    })();
    await api.rotateToTheEnd();
    young = await eventually('a token has the new key', async () => {
      const token = await kube.requestToken();
      return kidOf(token) === kidOf(old) ? undefined : token;
    });
    isRotating = false;
    await load;
    assert.ok(requests > 0);
    assert.deepEqual([await kube.review(old), await kube.review(young)], [ACCEPTED, ACCEPTED]);
    assert.deepEqual([await verified(old), await verified(young)], [kidOf(old), kidOf(young)]);
    await eventually('its JWKS is the public one', async () => (JSON.stringify(await kube.jwks()) === JSON.stringify((await api.jwks()).keys.map(({ kid }) => kid)) || undefined));
  });

  await t.test('a second rotation by hand: tokens of the first key are refused', async () => {
    await api.rotateToTheEnd();
    await eventually('the old token is refused', async () => (!(await kube.review(old)).authenticated || undefined));
    assert.deepEqual(await kube.review(young), ACCEPTED);
  });

  await t.test('the server away: tokens go on, also when the signer is killed and comes back', async () => {
    await server.end('SIGKILL');
    assert.deepEqual(await kube.review(await kube.requestToken()), ACCEPTED);
    await host.end('SIGKILL');
    await host.start();
    assert.deepEqual(await kube.review(await eventually('a token', () => kube.requestToken().catch(() => undefined))), ACCEPTED);
    await server.start();
  });

  await t.test('a restart of the API server', async () => {
    const token = await kube.requestToken();
    await kube.stop();
    await kube.start(...external);
    assert.deepEqual([await kube.review(token), await kube.review(former)], [ACCEPTED, ACCEPTED]);
  });
});
