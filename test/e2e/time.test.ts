/**
 * A month in the real program: its clock is moved, and what it publishes is read from outside, over https. Once with a
 * server that runs on, once with one that is killed at every stage.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { ClusterApi } from '../support/dev-api.ts';
import { DevHome, eventually, type Running } from '../support/dev-server.ts';

const DAY = 86_400;
const HOUR = 3600;

/** A server whose clock a test moves. Seconds are counted from the birth of its cluster. */
class Timeline {
  readonly home: DevHome;
  readonly #killed: boolean;
  #server: Running | undefined;
  #born = 0;
  #apis = new Map<string, Promise<ClusterApi>>();

  constructor(home: DevHome, killed: boolean) {
    this.home = home;
    this.#killed = killed;
  }

  async begin(): Promise<void> {
    this.#server = await this.home.start();
    const { createdAt } = await (await this.api()).show();
    this.#born = Date.parse(createdAt);
  }

  /** The instant so many seconds after the birth. */
  at = (seconds: number): Date => new Date(this.#born + seconds * 1000);

  /** Seconds from the birth to an instant of the server's. */
  since = (time: string): number => (Date.parse(time) - this.#born) / 1000;

  /** Logged in anew after each move of the clock: an access token lives for an hour of the server's. */
  api(name = 'dev'): Promise<ClusterApi> {
    const api = this.#apis.get(name) ?? ClusterApi.open(this.home, { name });
    this.#apis.set(name, api);
    return api;
  }

  async moveTo(seconds: number): Promise<void> {
    this.#apis.clear();
    await this.home.setClock(seconds - (Date.now() - this.#born) / 1000);
  }

  /** Ends the server as a power failure would and starts it again, where this is such a run; `meanwhile` is done in any case. */
  async stage(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    if (this.#killed) await this.#server?.end('SIGKILL');
    await meanwhile();
    if (this.#killed) this.#server = await this.home.start();
  }
}

const kidsOf = async (api: ClusterApi): Promise<readonly string[]> => (await api.jwks()).keys.map(({ kid }) => String(kid));

/** Whether the token verifies at an instant, by nothing but what is published now: the code of the error, or `verifies`. */
async function verdict(api: ClusterApi, token: string, currentDate: Date): Promise<string> {
  const { issuerURL } = await api.show();
  return jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL, currentDate, algorithms: ['RS256'] }).then(() => 'verifies', (error: { code: string }) => error.code);
}

const LINES = [
  ['a server that runs on', new Timeline(await DevHome.make({ clock: true }), false)],
  ['a server that is killed at every stage', new Timeline(await DevHome.make({ clock: true }), true)],
] as const;

function month(name: string, line: Timeline): void {
  let [key1, key2, key3, token] = ['', '', '', ''];
  let due = 0;
  let removal = 0;

  describe(name, { concurrency: 1 }, () => {
    it('nothing at day 29, while a ring with a shorter period has rotated', async () => {
      await line.begin();
      const [dev, restless] = [await line.api(), await line.api('restless')];
      await restless.create();
      await restless.send('PUT', `${restless.issuer}/rotationPolicy`, { properties: { rotateEverySeconds: 29 * DAY * 0.9 } });
      const before = await dev.events();
      [key1, key2] = (await kidsOf(dev)) as [string, string];
      await line.moveTo(29 * DAY);
      await line.stage();
      await eventually('the rotator has done its round', async () => ((await (await line.api('restless')).show()).keys.length === 3 ? true : undefined));
      const now = await line.api();
      assert.deepEqual([await kidsOf(now), await now.events()], [[key1, key2], before]);
    });

    it('the calendar says when, between day 30 and day 32', async () => {
      const { calendar, keys } = await (await line.api()).show();
      due = line.since(calendar.nextRotationAt ?? '');
      assert.ok(due >= 30 * DAY && due <= 32 * DAY, `due ${due / DAY} days after the birth`);
      assert.deepEqual([calendar.nextRotationCause, keys.map(({ kid, state }) => [kid, state])], ['automatic', [[key1, 'active'], [key2, 'prepared']]]);
    });

    it('ten minutes before, nothing: a token of key1 for a whole day', async () => {
      await line.moveTo(due - 600);
      await line.stage();
      const api = await line.api();
      token = await api.issueToken(DAY);
      const { iat, exp } = decodeJwt(token);
      assert.deepEqual([await kidsOf(api), exp! - iat!, await verdict(api, token, new Date(iat! * 1000))], [[key1, key2], DAY, 'verifies']);
    });

    it('then key2 signs and key3 is published beside both: the token verifies', async () => {
      await line.moveTo(due + 1);
      await eventually('the ring has rotated', async () => ((await kidsOf(await line.api())).length === 3 ? true : undefined));
      await line.stage();
      const api = await line.api();
      const { keys, calendar } = await api.show();
      key3 = (await kidsOf(api)).find((kid) => kid !== key1 && kid !== key2) ?? '';
      assert.deepEqual(new Map(keys.map(({ kid, state }) => [kid, state])), new Map([[key1, 'retired'], [key2, 'active'], [key3, 'prepared']]));
      assert.equal(await verdict(api, token, line.at(due + 1)), 'verifies');
      const retired = keys.find(({ kid }) => kid === key1)!;
      assert.equal(calendar.nextRemovalAt, retired.expiresAt);
      removal = line.since(retired.expiresAt ?? '');
    });

    it('until the last second of its life the token verifies', async () => {
      const { exp } = decodeJwt(token);
      const lastSecond = exp! - 1 - line.at(0).getTime() / 1000;
      assert.ok(lastSecond < removal, 'the key is published for longer than its last token lives');
      await line.moveTo(lastSecond);
      await line.stage();
      const api = await line.api();
      assert.deepEqual([(await kidsOf(api)).length, await verdict(api, token, line.at(lastSecond))], [3, 'verifies']);
      assert.equal(await verdict(api, token, line.at(lastSecond + 2)), 'ERR_JWT_EXPIRED');
    });

    it('25 hours after the rotation key1 is gone: two keys, and all is written down', async () => {
      assert.ok(removal < due + 25 * HOUR, 'removed within 25 hours');
      await line.moveTo(removal - 120);
      await line.stage(() => line.moveTo(due + 25 * HOUR));
      await eventually('two keys are left', async () => ((await kidsOf(await line.api())).length === 2 ? true : undefined));
      const api = await line.api();
      const events = (await eventually('the removal is written down', async () => {
        const all = await api.events();
        return all.some(({ kind }) => kind === 'pruned') ? all : undefined;
      })).filter(({ kind, cause }) => kind !== 'published' && cause !== 'birth');
      assert.deepEqual(new Set(await kidsOf(api)), new Set([key2, key3]));
      assert.deepEqual(events.map(({ kind, kid, cause, actor }) => [kind, kid, cause, actor]), [
        ['retired', key1, 'automatic', 'rotator'], ['activated', key2, 'automatic', 'rotator'], ['prepared', key3, 'automatic', 'rotator'], ['pruned', key1, 'expiry', 'rotator'],
      ]);
      assert.equal(await verdict(api, token, line.at(due)), 'ERR_JWKS_NO_MATCHING_KEY');
    });
  });
}

describe('a month', { concurrency: true }, () => {
  for (const [name, line] of LINES) month(name, line);
});
