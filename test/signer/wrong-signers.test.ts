/**
 * Signers that are wrong in one way each: the API server of the tests has to refuse every one, where and as the real one
 * does. So what passes with it passes with a kube-apiserver, which is not at hand everywhere.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ApiServer } from '../support/api-server.ts';
import { ISSUER, socketFolder } from '../support/signer-rings.ts';
import { LIVES, lifeOf, REFUSED_FLAGS } from '../support/token-lives.ts';
import { assertPatience, changeUnderTheSameId, ED25519, failing, goodSigner, KEY1, KEY2, keysWith, listed, REFUSED_AT_REVIEW, REFUSED_AT_SIGN, REFUSED_AT_START, rsaPem, serve, type Signer } from '../support/wrong-signers.ts';

async function start(t: TestContext, signer: Signer, maxTokenExpiration: number | null = null): Promise<ApiServer> {
  // A real one waits for 60 and 10 seconds; what answers is not waited for.
  const answers = !Object.values(signer.failing).includes(null);
  const server = await ApiServer.start(await serve(t, signer), ISSUER, { ...(answers ? {} : { withinMs: 300 }), maxTokenExpiration });
  t.after(() => server.stop());
  return server;
}

test('the right one is accepted', async (t) => {
  const server = await start(t, goodSigner());
  assert.equal(await server.review(await server.requestToken()), 'system:serviceaccount:default:default');
});

for (const [what, change, refusal] of REFUSED_AT_SIGN) {
  test(`refused at the token request: ${what}`, async (t) => {
    const signer = goodSigner();
    change(signer);
    await assert.rejects((await start(t, signer)).requestToken(), refusal);
  });
}

for (const [what, change] of REFUSED_AT_REVIEW) {
  test(`minted, and refused when it is presented: ${what}`, async (t) => {
    const signer = goodSigner();
    change(signer);
    const server = await start(t, signer);
    await assert.rejects(server.review(await server.requestToken()), /invalid bearer token|illegal base64/);
  });
}

for (const [what, change, refusal] of REFUSED_AT_START) {
  test(`exits at its start: ${what}`, async (t) => {
    const signer = goodSigner();
    change(signer);
    await assert.rejects(start(t, signer), refusal);
  });
}

for (const [seconds, refusal] of REFUSED_FLAGS) {
  test(`exits at its start: --service-account-max-token-expiration=${seconds}s`, async (t) => {
    await assert.rejects(start(t, goodSigner(), seconds), refusal);
  });
}

for (const [flag, rows] of LIVES) {
  test(`the life of tokens with --service-account-max-token-expiration ${flag === null ? 'not set' : `of ${flag} s`}`, async (t) => {
    const server = await start(t, goodSigner(), flag);
    for (const [asked, life] of rows) assert.deepEqual(lifeOf(await server.requestToken(asked)), life, JSON.stringify(asked));
  });
}

test('at its start it waits for a minute for keys, and for ten seconds for metadata', async (t) => {
  const signer = goodSigner();
  await start(t, signer);
  assertPatience(signer);
});

for (const [what, change, refusal] of [
  ['a reply that is refused', keysWith({ keys: [{ ...listed(KEY2), key: rsaPem }] }), /while parsing external public keys/],
  ['an error', failing({ FetchKeys: [status.INTERNAL, 'words of the signer'] }), /words of the signer/],
] as const) {
  test(`${what} later leaves the former keys as they were`, async (t) => {
    const signer = goodSigner();
    const server = await start(t, signer);
    const token = await server.requestToken();
    change(signer);
    await assert.rejects(server.sync(), refusal);
    assert.deepEqual(server.kids, [KEY1.kid, KEY2.kid]);
    await server.review(token);
  });
}

test('a key that changes under an unmoved data_timestamp is not in the JWKS', async (t) => {
  const signer = goodSigner();
  const server = await start(t, signer);
  const before = server.jwks;
  changeUnderTheSameId(signer);
  await server.sync();
  assert.equal(await server.review(await server.requestToken()), 'system:serviceaccount:default:default');
  assert.deepEqual(server.jwks, before);
  keysWith({ timestamp: { seconds: 1_700_000_000, nanos: 1 } })(signer);
  await server.sync();
  assert.deepEqual(server.jwks, [`${KEY1.kid} ES256`, `${KEY2.kid} RS256`]);
});

test('an Ed25519 key freezes the JWKS until it is gone, or keeps it from ever being served', async (t) => {
  const signer = goodSigner();
  const server = await start(t, signer);
  const before = server.jwks;
  keysWith({ keys: [listed(KEY2), ED25519], timestamp: { seconds: 1_700_000_001, nanos: 0 } })(signer);
  await server.sync();
  assert.deepEqual([server.jwks, server.kids], [before, [KEY2.kid, ED25519.keyId]]);
  const later = await start(t, signer);
  assert.equal(later.jwks, null);
});

test('a signer that does not answer: the API server exits when its time is over', async (t) => {
  await assert.rejects(ApiServer.start(join(socketFolder(t), 'nobody.sock'), ISSUER, { withinMs: 300 }), { code: 4 });
});
