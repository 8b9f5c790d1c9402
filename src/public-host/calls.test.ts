import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { MintmarkError } from '../domain/errors.ts';
import { connectCalls } from './calls.ts';

interface Here {
  add(one: number, other: number): number;
  later(value: string): Promise<string>;
  fail(kind: 'known' | 'system' | 'no error'): never;
  never(): Promise<void>;
}

const CAUSE = Object.assign(new Error('EACCES: denied'), { code: 'EACCES' });
const FAILURES = { known: new MintmarkError('AddressInUse', 'The port is taken.', { cause: CAUSE }), system: CAUSE, 'no error': 'a text' };

const here = (): Readonly<Record<keyof Here, (...given: never[]) => unknown>> => ({
  add: (one: number, other: number) => one + other,
  later: async (value: string) => Promise.resolve(`${value}!`),
  fail: (kind: keyof typeof FAILURES) => { throw FAILURES[kind]; },
  never: () => new Promise(() => undefined),
});

function connected(t: TestContext) {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  return { one: connectCalls<Here>(port1, here()), other: connectCalls<Here>(port2, here()) };
}

test('each side calls the functions of the other, many at the same time', async (t) => {
  const { one, other } = connected(t);
  assert.deepEqual(await Promise.all([one.remote.add(1, 2), other.remote.later('a'), one.remote.later('b'), other.remote.add(3, 4)]), [3, 'a!', 'b!', 7]);
});

test('an error arrives as what it was: code, message, stack and cause', async (t) => {
  const { one } = connected(t);
  const known = await one.remote.fail('known').catch((error: unknown) => error);
  assert.ok(known instanceof MintmarkError);
  assert.deepEqual([known.code, known.message, known.stack], ['AddressInUse', FAILURES.known.message, FAILURES.known.stack]);
  assert.deepEqual([(known.cause as NodeJS.ErrnoException).code, (known.cause as Error).message], ['EACCES', 'EACCES: denied']);
  await assert.rejects(one.remote.fail('system'), { name: 'Error', code: 'EACCES', message: 'EACCES: denied', stack: CAUSE.stack });
  await assert.rejects(one.remote.fail('no error'), { name: 'Error', message: 'a text' });
});

test('when the line has ended, calls under way fail, and so do later ones', { timeout: 60_000 }, async (t) => {
  const { one } = connected(t);
  const under = one.remote.never();
  const gone = new Error('The other side is gone.');
  one.end(gone);
  await assert.rejects(under, gone);
  await assert.rejects(one.remote.add(1, 1), gone);
});
