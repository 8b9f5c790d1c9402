/** Logging in and out: what is written where, and what is never replaced. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createAuthority } from '../keys/private-ca.ts';
import { type Answers, type FakeServer, fakeServer, LOGIN, type Ran, runLine, TENANT } from '../../test/support/command-line.ts';

const SUBSCRIPTIONS = { 'GET /subscriptions': { status: 200, body: { value: [{ subscriptionId: 's1', displayName: 'One', tenantId: TENANT, state: 'Enabled' }, { subscriptionId: 's2', displayName: 'Two', tenantId: TENANT, state: 'Enabled' }] } } };

interface Place {
  readonly fake: FakeServer;
  readonly home: string;
  readonly secretFile: string;
  profile(): Record<string, string>;
  login(...more: readonly string[]): Promise<Ran>;
  run(...line: readonly string[]): Promise<Ran>;
}

async function place(t: TestContext, answers: Answers = SUBSCRIPTIONS): Promise<Place> {
  const [fake, folder] = [await fakeServer(answers), mkdtempSync(join(tmpdir(), 'mintmark-login-'))];
  t.after(async () => {
    rmSync(folder, { recursive: true });
    await fake.close();
  });
  const [home, secretFile] = [join(folder, 'deep', 'home'), join(folder, 'secret')];
  writeFileSync(secretFile, 'the-secret\n', { mode: 0o600 });
  const run: Place['run'] = (...line) => runLine(line, { home });
  return {
    fake, home, secretFile, run,
    profile: () => JSON.parse(readFileSync(join(home, 'profile.json'), 'utf8')) as Record<string, string>,
    login: (...more) => run('login', '--server', `${fake.url}/`, '--tenant', TENANT, '--client-id', 'me', '--secret-file', secretFile, '--ca-file', join(fake.home, 'ca.pem'), ...more),
  };
}

test('a login is tried, then kept in a home that is made, for its owner only', async (t) => {
  const at = await place(t);
  const ran = await at.login();
  assert.deepEqual([ran.code, ran.stderr, JSON.parse(ran.stdout)], [0, '', { clientId: 'me', endpoint: at.fake.url, home: at.home, subscriptionId: 's1', tenantId: TENANT }]);
  assert.deepEqual(at.profile(), { endpoint: at.fake.url, tenantId: TENANT, clientId: 'me', clientSecret: 'the-secret', subscriptionId: 's1', caFile: join(at.fake.home, 'ca.pem') });
  assert.deepEqual([statSync(at.home).mode & 0o777, statSync(join(at.home, 'profile.json')).mode & 0o777], [0o700, 0o600]);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(at.fake.logins[0]!.body))['client_secret'], 'the-secret');
  assert.equal((await at.run('account', 'show', '--query', 'name', '-o', 'tsv')).stdout, 'One\n');
});

test('a login that fails writes nothing', async (t) => {
  const at = await place(t, { [LOGIN]: { status: 401, body: { error: 'invalid_client', error_description: 'No.' } } });
  const ran = await at.login();
  assert.deepEqual([ran.code, existsSync(at.home)], [1, false]);
  assert.match(ran.stderr, /^ERROR: \(invalid_client\) No\./);
  assert.ok(!(ran.stdout + ran.stderr).includes('the-secret'));
});

test('the same principal logs in again with its new secret, tried anew; another one does not take its place', async (t) => {
  const at = await place(t);
  await at.login();
  writeFileSync(at.secretFile, 'a-new-secret');
  const again = await at.login();
  assert.deepEqual([again.code, at.fake.logins.length, at.profile()['clientSecret']], [0, 2, 'a-new-secret']);
  assert.match(again.stderr, /^WARNING: The former login of this principal in .* was replaced\.\n$/);
  const other = await at.login('--client-id', 'you');
  assert.equal(other.code, 1);
  assert.match(other.stderr, /^ERROR: .* has a login as 'me' at https:\/\/localhost:\d+ already\. Run 'mintmark logout' first, or set MINTMARK_HOME/);
  assert.deepEqual([at.profile()['clientId'], at.fake.logins.length], ['me', 2]);
});

test('logout takes profile and token away, and says that the secret is still good', async (t) => {
  const at = await place(t);
  await at.login();
  const ran = await at.run('logout');
  assert.deepEqual([ran.code, ran.stdout, existsSync(join(at.home, 'profile.json')), existsSync(join(at.home, 'access-token.json'))], [0, '', false, false]);
  assert.match(ran.stderr, /The secret of 'me' at .* is still good\./);
  assert.equal((await at.run('logout')).code, 1);
});

test('the home of dev is left alone', async (t) => {
  const at = await place(t);
  writeFileSync(join(at.fake.home, 'mintmark.db'), '');
  for (const line of [['logout'], ['login', '--server', at.fake.url, '--tenant', TENANT, '--client-id', 'client-1', '--secret-file', at.secretFile, '--ca-file', join(at.fake.home, 'ca.pem')]]) {
    const ran = await runLine(line, { home: at.fake.home });
    assert.match(ran.stderr, /^ERROR: .* is the home of a 'mintmark dev'/);
  }
  assert.ok(existsSync(join(at.fake.home, 'profile.json')));
});

test('the subscription is chosen by id or name, at login and later', async (t) => {
  const at = await place(t);
  await at.login('--subscription', 'two');
  assert.equal(at.profile()['subscriptionId'], 's2');
  assert.deepEqual(await at.run('account', 'set', '--subscription', 'ONE'), { code: 0, stdout: '', stderr: '' });
  assert.deepEqual([at.profile()['subscriptionId'], at.profile()['caFile']], ['s1', join(at.fake.home, 'ca.pem')]);
  assert.match((await at.run('account', 'set', '--subscription', 'three')).stderr, /can not see a subscription 'three'/);
  assert.equal((await at.run('account', 'set')).code, 2);
  assert.equal(at.profile()['subscriptionId'], 's1');
});

test('who can not see a subscription yet logs in all the same, and is told what to do', async (t) => {
  const at = await place(t, { 'GET /subscriptions': { status: 200, body: { value: [] } } });
  const ran = await at.login();
  assert.deepEqual([ran.code, (JSON.parse(ran.stdout) as { subscriptionId: string | null }).subscriptionId], [0, null]);
  assert.match((await at.run('group', 'list')).stderr, /^ERROR: No subscription is chosen\./);
});

test('a certificate that is not trusted is told with what helps: at the login the flag, later the login', async (t) => {
  const at = await place(t);
  const bare = ['login', '--server', at.fake.url, '--tenant', TENANT, '--client-id', 'me', '--secret-file', at.secretFile];
  const told = (advice: string) => ({ code: 1, stdout: '', stderr: `ERROR: No connection to ${at.fake.url}: its certificate is ${advice}\n` });
  assert.deepEqual(await at.run(...bare), told("from no authority that this machine trusts. If its authority is a private one, name that authority's certificate with --ca-file FILE."));
  const [other, own] = [join(at.fake.home, 'other.pem'), join(at.fake.home, 'ca.pem')];
  writeFileSync(other, (await createAuthority('another', new Date())).certificate);
  assert.deepEqual(await at.run(...bare, '--ca-file', other), told(`not from the authority in ${other}. Name the certificate of the authority that signed it with --ca-file FILE.`));
  await at.login();
  writeFileSync(own, (await createAuthority('a third', new Date())).certificate);
  assert.deepEqual(await at.run('group', 'list'), told(`from no authority in ${own}. If the server has one of another authority now, log in again with --ca-file FILE.`));
});

const REFUSED: readonly (readonly [what: string, secret: string | null, flags: readonly string[], code: number, error: RegExp])[] = [
  ['no https', 'x', ['--server', 'http://localhost'], 2, /argument --server: 'http:\/\/localhost' is no https URL/],
  ['a server with a path', 'x', ['--server', 'https://localhost/x'], 2, /argument --server/],
  ['an empty secret file', '\n', [], 1, /has to hold the client secret and nothing else/],
  ['a secret file with more', 'a b', [], 1, /has to hold the client secret and nothing else/],
  ['no secret file', null, [], 1, /can not be read/],
  ['no authority', 'x', ['--ca-file', '/nowhere.pem'], 1, /The certificate authority \/nowhere\.pem, .* can not be read/],
];

for (const [what, secret, flags, code, error] of REFUSED) {
  test(`no login: ${what}`, async (t) => {
    const at = await place(t);
    if (secret === null) rmSync(at.secretFile);
    else writeFileSync(at.secretFile, secret);
    const ran = await at.login(...flags);
    assert.deepEqual([ran.code, existsSync(at.home), at.fake.logins.length], [code, false, 0]);
    assert.match(ran.stderr, error);
  });
}

test('a secret file that others can read is warned of', async (t) => {
  const at = await place(t);
  writeFileSync(at.secretFile, 'the-secret');
  rmSync(at.secretFile);
  writeFileSync(at.secretFile, 'the-secret', { mode: 0o644 });
  assert.match((await at.login()).stderr, /^WARNING: The secret file .* can be read by others than its owner: run chmod 600/);
});
