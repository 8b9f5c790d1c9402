/** Relying parties that no one here wrote, openid-client and jose, through rotations and a restart, over https. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, test } from 'node:test';
import { ClusterApi, success } from '../support/dev-api.ts';
import { DevHome, eventually, ROOT } from '../support/dev-server.ts';
import type { RotateReply } from '../../src/http/management/contract.ts';

const home = await DevHome.make({ clock: true });

/** `test/support/relying-party.ts` in a process of its own. */
class RelyingParty {
  readonly #process: ChildProcess;
  readonly #lines: Interface;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#lines = createInterface({ input: process.stdout! });
  }

  static async of(issuer: string, caFile: string, secondsAhead: number): Promise<RelyingParty> {
    const party = new RelyingParty(spawn(process.execPath, [join(ROOT, 'test/support/relying-party.ts')], { env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile }, stdio: ['pipe', 'pipe', 'inherit'] }));
    after(() => party.#process.kill('SIGKILL'));
    assert.equal(await party.ask({ secondsAhead }), 'ready');
    assert.equal(await party.ask({ issuer }), 'ready');
    return party;
  }

  async ask(line: object): Promise<string> {
    this.#process.stdin!.write(`${JSON.stringify(line)}\n`);
    const [reply] = (await once(this.#lines, 'line')) as [string];
    return reply;
  }

  /** The `kid` by which each token verifies, or why it does not. */
  async verdicts(...tokens: readonly string[]): Promise<readonly string[]> {
    const verdicts: string[] = [];
    for (const token of tokens) verdicts.push(await this.ask({ token }));
    return verdicts;
  }
}

const MINUTE = 60;
const LATER = 12 * MINUTE;
const GONE = 'ERR_JWKS_NO_MATCHING_KEY';

test('a token verifies until its key is revoked, through rotations and a restart', async () => {
  const server = await home.start();
  const api = await ClusterApi.open(home);
  const [{ issuerURL }, { caFile }] = [await api.show(), await home.profile()];
  const first = await RelyingParty.of(issuerURL, caFile, 0);
  const kids = async (): Promise<readonly string[]> => (await api.jwks()).keys.map(({ kid }) => String(kid));
  const [key1, key2] = await kids() as [string, string];

  const token1 = await api.issueToken();
  assert.deepEqual(await first.verdicts(token1), [key1]);

  // key2 signs; whoever has the list of before has key2 already.
  await api.rotateToTheEnd();
  const token2 = await api.issueToken();
  assert.deepEqual(await first.verdicts(token1, token2), [key1, key2]);
  const key3 = (await kids()).find((kid) => kid !== key1 && kid !== key2) ?? '';
  assert.equal((await kids()).length, 3);

  // A minute later for all of them, with another process of the server.
  await server.end('SIGTERM');
  await home.setClock(MINUTE);
  await home.start();
  await first.ask({ secondsAhead: MINUTE });
  const second = await RelyingParty.of(issuerURL, caFile, MINUTE);
  for (const party of [first, second]) assert.deepEqual(await party.verdicts(token1, token2), [key1, key2]);

  // Rotating again by hand revokes key1 at once; key3 was published for a minute, and signs.
  const { revoked } = (await api.rotateToTheEnd()).properties;
  const token3 = await api.issueToken();
  assert.deepEqual(revoked, [key1]);
  assert.deepEqual(await first.verdicts(token3, token2, token1), [key3, key2, GONE]);
  const third = await RelyingParty.of(issuerURL, caFile, MINUTE);
  assert.deepEqual(await third.verdicts(token3, token2, token1), [key3, key2, GONE]);
  assert.ok(!(await kids()).includes(key1), 'key1 is not published any more');

  // `second` holds a list with key3 in it and has no reason to ask, until the ten minutes of jose's own cache are over.
  await home.setClock(LATER);
  await second.ask({ secondsAhead: LATER });
  assert.deepEqual(await second.verdicts(token3, token2, token1), [key3, key2, GONE]);
});

test('an emergency rotation ends every token at once; new ones verify', async () => {
  const api = await ClusterApi.open(home, { name: 'other' });
  await api.create();
  const [{ issuerURL }, { caFile }] = [await api.show(), await home.profile()];
  const before = await api.issueToken();
  const { operationId } = success<RotateReply>(await api.send('POST', `${api.issuer}/rotate`, { emergency: true }));
  assert.equal((await api.operationEnded(operationId)).status, 'Succeeded');
  const now = await api.issueToken();
  const party = await RelyingParty.of(issuerURL, caFile, LATER);
  const active = await eventually('a key is active', async () => (await api.show()).keys.find(({ state }) => state === 'active')?.kid);
  assert.deepEqual(await party.verdicts(before, now), [GONE, active]);
});

test('a token of one issuer is none of another', async () => {
  const [dev, other] = [await ClusterApi.open(home), await ClusterApi.open(home, { name: 'another' })];
  await other.create();
  const { caFile } = await home.profile();
  const party = await RelyingParty.of((await dev.show()).issuerURL, caFile, LATER);
  assert.deepEqual(await party.verdicts(await other.issueToken()), [GONE]);
});
