import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPublicKey, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { constants, getPriority } from 'node:os';
import { test, type TestContext } from 'node:test';
import { jwtVerify } from 'jose';
import { eventually } from '../../test/support/dev-server.ts';
import { niceOf } from '../../test/support/thread-priority.ts';
import { publicKeyOf, type RsaBits } from './generate.ts';
import { createKeyGenerator, type KeyGenerator } from './generator.ts';
import { createSealer, decryptOrThrow, encrypt } from './seal.ts';
import { createTokenSigner } from './sign.ts';

function generator(t: TestContext, idleMs?: number): KeyGenerator {
  const made = createKeyGenerator(idleMs);
  t.after(() => made.stop());
  return made;
}

/** How many threads of this process have the lower priority. One may end while they are counted. */
const givingWay = (): number => readdirSync('/proc/self/task').filter((thread) => niceOf(thread) === constants.priority.PRIORITY_LOW).length;

test('a key from a thread is sealed, opened and signs like any other', async (t) => {
  const [kek, nonce] = [randomBytes(32), randomBytes(12)];
  const sealer = createSealer({ id: randomBytes(16), wrap: async (key, associated) => encrypt(kek, nonce, key, associated), unwrap: async (wrapped, associated) => decryptOrThrow(kek, nonce, wrapped, associated) });
  const owner = { tenantId: 't', issuerId: 'i' };
  const key = await (await generator(t).generate(2048)).sealFor(sealer, owner);
  const token = await createTokenSigner(sealer, 1).sign({ ...key, ...owner }, '{"aud":["a"]}', async () => key.sealed);
  assert.deepEqual((await jwtVerify(token, publicKeyOf('RS256', key.publicMembers))).payload, { aud: ['a'] });
});

test('keys have the size that was asked for, and no two are the same', async (t) => {
  const { generate } = generator(t);
  const keys = [...await Promise.all([generate(2048), generate(3072)]), await generate(2048)];
  assert.deepEqual(keys.map(({ publicMembers }) => createPublicKey({ format: 'jwk', key: { kty: 'RSA', ...publicMembers } }).asymmetricKeyDetails?.modulusLength), [2048, 3072, 2048]);
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, 3);
});

test('its threads give way, and nothing else does', { skip: process.platform !== 'linux' }, async (t) => {
  const own = getPriority();
  await eventually('none is left of others', () => givingWay() === 0 || undefined);
  const { generate } = generator(t);
  await Promise.all([generate(2048), generate(2048)]);
  assert.equal(givingWay(), 2);
  await generate(2048);
  assert.equal(givingWay(), 2, 'a thread that is free makes the next key');
  assert.equal(getPriority(), own);
});

test('a thread that has nothing to make ends', { skip: process.platform !== 'linux' }, async (t) => {
  await eventually('none is left of others', () => givingWay() === 0 || undefined);
  const { generate } = generator(t, 1);
  await generate(2048);
  await eventually('its thread has ended', () => givingWay() === 0 || undefined);
  await generate(2048);
});

test('a thread that fails is told, and the next key is made by another', async (t) => {
  const { generate } = generator(t);
  await assert.rejects(generate(-1 as RsaBits), { code: 'ERR_OUT_OF_RANGE' });
  assert.equal((await generate(2048)).algorithm, 'RS256');
});

test('a stop that meets a key coming in comes to its end, in a process that has nothing else to do', async () => {
  const program = `
    const { once } = require('node:worker_threads').Worker.prototype;
    import(${JSON.stringify(new URL('generator.ts', import.meta.url).href)}).then(async ({ createKeyGenerator }) => {
      const { generate, stop } = createKeyGenerator();
      let stopping;
      require('node:worker_threads').Worker.prototype.once = function (event, listener) {
        if (event === 'message') once.call(this, event, () => { stopping = stop(); });
        return once.call(this, event, listener);
      };
      await generate(2048);
      await stopping;
      console.log('ended');
    });`;
  const said = await new Promise((resolve) => execFile(process.execPath, ['-e', program], (error, stdout, stderr) => resolve([error?.code ?? 0, stdout, stderr])));
  assert.deepEqual(said, [0, 'ended\n', '']);
});

test('a stop ends what is being made, and no more is made', async () => {
  const { generate, stop } = createKeyGenerator();
  await generate(2048);
  const making = Promise.all([generate(4096), generate(4096)]);
  const ended = assert.rejects(making, { message: 'The thread that was making a key has ended.' });
  await stop();
  await ended;
  await assert.rejects(generate(2048), { message: 'The server is stopping: no more keys are made.' });
});
