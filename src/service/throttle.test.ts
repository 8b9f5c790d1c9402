import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createThrottle, type Throttle, type ThrottleLimits } from './throttle.ts';

const LIMITS: ThrottleLimits = { requestsPerAddress: 2, requestsPerPrincipal: 1, loginsPerAddress: 1, failedLogins: 6 };

function open(mostBuckets?: number) {
  const time = { now: 1_000_000 };
  return { time, throttle: createThrottle(LIMITS, () => new Date(time.now), mostBuckets) };
}

/** How many times something succeeds before it is refused, and in how many seconds it is to be tried again. */
function until(ask: () => void): readonly [number, number | undefined] {
  for (let times = 0; ; times += 1) {
    try {
      ask();
    } catch (error) {
      return [times, (error as { retryAfter?: number }).retryAfter];
    }
  }
}

const KINDS: readonly (readonly [kind: string, ask: (throttle: Throttle, who: string) => void, atOnce: number, retryAfter: number, message: string])[] = [
  ['requests', (throttle, who) => throttle.request(who), 8, 1, 'There were too many requests from this address. Try again in 1 s.'],
  ['principals', (throttle, who) => throttle.principal(who), 4, 1, 'There were too many requests of this principal. Try again in 1 s.'],
  ['logins', (throttle, who) => throttle.login(who), 4, 1, 'There were too many logins from this address. Try again in 1 s.'],
  ['attempts', (throttle, who) => throttle.attempt(who), 6, 10, 'There were too many failed logins of this client. Try again in 10 s.'],
];

for (const [kind, ask, atOnce, retryAfter, message] of KINDS) {
  test(`${kind}: four seconds' worth at once, then at the rate, each for itself`, () => {
    const { throttle, time } = open();
    const asking = (): void => ask(throttle, '192.0.2.1');
    assert.deepEqual(until(asking), [atOnce, retryAfter]);
    assert.throws(asking, { code: 'TooManyRequests', message });
    assert.doesNotThrow(() => ask(throttle, '192.0.2.2'));
    time.now += retryAfter * 1000;
    assert.equal(until(asking)[0], kind === 'requests' ? 2 : 1);
    time.now += 3_600_000;
    assert.equal(until(asking)[0], atOnce);
  });
}

test('what is forgiven does not count, and gives nobody more than there is', () => {
  const { throttle } = open();
  throttle.forgive('c');
  for (let times = 0; times < 20; times += 1) {
    throttle.attempt('c');
    throttle.forgive('c');
  }
  assert.equal(until(() => throttle.attempt('C'))[0], 6);
});

/** Addresses, and whether they count as one. */
const ADDRESSES: readonly (readonly [string, string, boolean])[] = [
  ['2001:db8:0:1::1', '2001:DB8:0:1:ffff::2', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['2001:0db8::1', '2001:db8::2', true],
  ['::1', '::2', true],
  ['fe80::1%eth0', 'fe80::2%eth1', true],
  ['::ffff:192.0.2.1', '192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
  ['192.0.2.1', '192.0.2.11', false],
];

for (const [one, other, same] of ADDRESSES) {
  test(`${one} and ${other} count ${same ? 'as one' : 'each for itself'}`, () => {
    const { throttle } = open();
    until(() => throttle.request(one));
    assert.equal(until(() => throttle.request(other))[0], same ? 0 : 8);
  });
}

test('a flood of addresses does not grow the memory: the oldest are forgotten', () => {
  const { throttle } = open(10);
  until(() => throttle.request('192.0.2.1'));
  for (let host = 0; host < 20; host += 1) throttle.request(`198.51.100.${host}`);
  assert.equal(until(() => throttle.request('192.0.2.1'))[0], 8);
});

test('a clock that goes back gives nothing and takes nothing', () => {
  const { throttle, time } = open();
  until(() => throttle.request('192.0.2.1'));
  time.now -= 3_600_000;
  assert.throws(() => throttle.request('192.0.2.1'), { code: 'TooManyRequests' });
  time.now += 500;
  assert.throws(() => throttle.request('192.0.2.1'), { code: 'TooManyRequests' });
});
