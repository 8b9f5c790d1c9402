/**
 * The wrong signers of `test/support/wrong-signers.ts` with a real kube-apiserver: it refuses each where the API server of the
 * tests does (`test/signer/wrong-signers.test.ts`). Skipped where `KUBEBUILDER_ASSETS` is not set.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { KUBE_MISSING, KubeApiServer } from '../support/kube-apiserver.ts';
import { ISSUER } from '../support/signer-rings.ts';
import { goodSigner, REFUSED_AT_REVIEW, REFUSED_AT_SIGN, REFUSED_AT_START, serve, type Signer } from '../support/wrong-signers.ts';

test('a real kube-apiserver refuses what the one of the tests refuses, and where it does', { skip: KUBE_MISSING }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mintmark-kube-'));
  const kube = await KubeApiServer.make(dir);
  t.after(async () => {
    await kube.end();
    rmSync(dir, { recursive: true, force: true });
  });

  async function flags(within: TestContext, change: (signer: Signer) => void): Promise<readonly string[]> {
    const signer = goodSigner();
    change(signer);
    return [`--service-account-issuer=${ISSUER}`, `--service-account-signing-endpoint=${await serve(within, signer)}`];
  }
  /** An API server with this signer, until the end of the step. */
  async function started(within: TestContext, change: (signer: Signer) => void): Promise<void> {
    within.after(() => kube.stop());
    await kube.start(...(await flags(within, change)));
  }

  await t.test('the right one is accepted', async (step) => {
    await started(step, () => undefined);
    assert.equal((await kube.review(await kube.requestToken())).authenticated, true);
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
      const { code, stderr } = await kube.launch(...(await flags(step, change))).ended;
      assert.equal(code, 1);
      assert.match(stderr, refusal);
    });
  }
});
