/**
 * The wrong signers of `test/support/wrong-signers.ts` with a real kube-apiserver: it refuses each where the API server of the
 * tests does (`test/signer/wrong-signers.test.ts`), publishes the same keys, and lets tokens live as long. Skipped
 * where `KUBEBUILDER_ASSETS` is not set.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from '../support/dev-server.ts';
import { KUBE_MISSING, KubeApiServer } from '../support/kube-apiserver.ts';
import { ISSUER } from '../support/signer-rings.ts';
import { LIVES, lifeOf, REFUSED_FLAGS } from '../support/token-lives.ts';
import { assertPatience, changeUnderTheSameId, ED25519, goodSigner, KEY1, KEY2, keysWith, listed, REFUSED_AT_REVIEW, REFUSED_AT_SIGN, REFUSED_AT_START, serve, type Signer } from '../support/wrong-signers.ts';

test('a real kube-apiserver refuses what the one of the tests refuses, and where it does', { skip: KUBE_MISSING }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-kube-'));
  const kube = await KubeApiServer.make(dir);
  t.after(async () => {
    await kube.end();
    rmSync(dir, { recursive: true, force: true });
  });

  /** `lifeFlag`: `--service-account-max-token-expiration`, in seconds. */
  async function flags(within: TestContext, signer: Signer, lifeFlag: number | null = null): Promise<readonly string[]> {
    return [`--service-account-issuer=${ISSUER}`, `--service-account-signing-endpoint=${await serve(within, signer)}`, ...(lifeFlag === null ? [] : [`--service-account-max-token-expiration=${lifeFlag}s`])];
  }
  /** An API server with this signer, until the end of the step. */
  async function started(within: TestContext, change: (signer: Signer) => void = () => undefined, lifeFlag: number | null = null): Promise<Signer> {
    const signer = goodSigner();
    change(signer);
    within.after(() => kube.stop());
    await kube.start(...(await flags(within, signer, lifeFlag)));
    return signer;
  }

  await t.test('the right one is accepted, and waited for as the API server of the tests waits', async (step) => {
    const signer = await started(step);
    assert.equal((await kube.review(await kube.requestToken())).authenticated, true);
    assertPatience(signer);
  });
  for (const [what, change, refusal] of REFUSED_AT_SIGN) {
    await t.test(`at the token request: ${what}`, async (step) => {
      await started(step, change);
      await assert.rejects(kube.requestToken(), ({ message }: Error) => {
        assert.match(message, /^TokenRequest: 500 /);
        assert.match(message.replaceAll('\\"', '"'), refusal);
        return true;
      });
    });
  }
  for (const [what, change] of REFUSED_AT_REVIEW) {
    await t.test(`minted, and refused when it is presented: ${what}`, async (step) => {
      await started(step, change);
      assert.equal((await kube.review(await kube.requestToken())).authenticated, false);
    });
  }
  for (const [what, change, refusal] of REFUSED_AT_START) {
    await t.test(`at its start: ${what}`, async (step) => {
      const signer = goodSigner();
      change(signer);
      const { code, stderr } = await kube.launch(...(await flags(step, signer))).ended;
      assert.equal(code, 1);
      assert.match(stderr, refusal);
    });
  }
  for (const [seconds, refusal] of REFUSED_FLAGS) {
    await t.test(`at its start: --service-account-max-token-expiration=${seconds}s`, async (step) => {
      const { code, stderr } = await kube.launch(...(await flags(step, goodSigner(), seconds))).ended;
      assert.equal(code, 1);
      assert.match(stderr, refusal);
    });
  }
  for (const [flag, rows] of LIVES) {
    await t.test(`the life of tokens with --service-account-max-token-expiration ${flag === null ? 'not set' : `of ${flag} s`}`, async (step) => {
      await started(step, undefined, flag);
      for (const [asked, life] of rows) assert.deepEqual(lifeOf(await kube.requestToken(asked)), life, JSON.stringify(asked));
    });
  }
  await t.test('an Ed25519 key at its start: it comes up, and serves no JWKS and no discovery document', async (step) => {
    await started(step, keysWith({ keys: [listed(KEY1), ED25519] }));
    assert.equal((await kube.review(await kube.requestToken())).authenticated, true);
    assert.deepEqual([await kube.jwksInWords(), (await kube.ask('GET', '/.well-known/openid-configuration')).status], [404, 404]);
  });
  await t.test('a key that changes under an unmoved data_timestamp is not in the JWKS, and is once that has moved', async (step) => {
    const signer = await started(step, keysWith({ refreshHintSeconds: 1 }));
    const before = [`${KEY1.kid} RS256`, `${KEY2.kid} RS256`];
    assert.deepEqual(await kube.jwksInWords(), before);
    changeUnderTheSameId(signer);
    await eventually('it verifies with the other key', async () => ((await kube.review(await kube.requestToken())).authenticated || undefined));
    assert.deepEqual(await kube.jwksInWords(), before);
    keysWith({ timestamp: { seconds: 1_700_000_000, nanos: 1 } })(signer);
    const moved = await eventually('its JWKS is another', async () => {
      const now = await kube.jwksInWords();
      return isDeepStrictEqual(now, before) ? undefined : now;
    });
    assert.deepEqual(moved, [`${KEY1.kid} ES256`, `${KEY2.kid} RS256`]);
  });
});
