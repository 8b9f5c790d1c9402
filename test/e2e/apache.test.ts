/**
 * A relying party that nobody here wrote and that knows nothing of Mintmark, Apache with Debian's mod_auth_openidc, set up by
 * examples/workload-identity/apache.conf: whom it lets in, what it tells the application, and what a rotation is to it.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it as step } from 'node:test';
import { Apache, APACHE_MISSING, EXAMPLE } from '../support/apache.ts';
import { ClusterApi, exchange, success } from '../support/dev-api.ts';
import { DevHome } from '../support/dev-server.ts';
import type { TokenReply } from '../../src/http/management/contract.ts';

const AUDIENCE = 'api://AzureADTokenExchange';
const SUBJECT = 'system:serviceaccount:default:app';
const PAST = -7200;
const home = await DevHome.make({ clock: true });

/** Each by itself, so that every one is counted as skipped where there is no Apache. */
const it = (name: string, run: () => Promise<void>): void => void step(name, { skip: APACHE_MISSING }, run);

describe('Apache with mod_auth_openidc', () => {
  let apache: Apache;
  let api: ClusterApi;
  let expired: string;

  async function tokenOf(from: ClusterApi, audience = AUDIENCE, expirationSeconds?: number): Promise<string> {
    const reply = await from.send('POST', `${from.issuer}/issueToken`, { metadata: { namespace: 'default', name: 'app' }, spec: { audiences: [audience], expirationSeconds } });
    return success<TokenReply>(reply).status.token;
  }
  const verdict = async (token: string | null, asked?: Parameters<Apache['ask']>[1], by = apache): Promise<readonly [number, string | undefined, string | null]> => {
    const { status, error, headers } = await by.ask(token, asked);
    return [status, error, headers === null ? null : String(headers['x-remote-user'])];
  };
  /** Does something with one that has read no keys yet. */
  async function withAnother(deed: (another: Apache) => Promise<void>, configuration?: string): Promise<void> {
    const another = await Apache.start(home, { ISSUER: (await api.show()).issuerURL }, configuration);
    await deed(another).finally(() => another.stop());
  }
  const LET_IN = [200, undefined, SUBJECT];
  const INVALID = [401, 'invalid_token', null];

  before(async () => {
    if (APACHE_MISSING !== false) return;
    // Its clock is the machine's: the server's is behind for a while, so that a token has ended by the time that it is shown.
    await home.setClock(PAST);
    await home.start();
    expired = await tokenOf(await ClusterApi.open(home), AUDIENCE, 600);
    await home.setClock(0);
    api = await ClusterApi.open(home);
    apache = await Apache.start(home, { ISSUER: (await api.show()).issuerURL });
  });
  after(() => apache?.stop());

  it('a token of the issuer is let in; the application is told the subject, and gets no token', async () => {
    const { status, headers } = await apache.ask(await tokenOf(api), { headers: { 'x-remote-user': 'system:serviceaccount:kube-system:admin', 'oidc_claim_sub': 'admin' } });
    assert.deepEqual([status, headers!['x-remote-user'], headers!.authorization], [200, SUBJECT, undefined]);
    assert.ok(!JSON.stringify(headers).includes('eyJ') && !JSON.stringify(headers).includes('admin'), JSON.stringify(headers));
  });

  it('the same token logs in to Mintmark as an identity', async () => {
    const { issuerURL } = await api.show();
    const made = await home.shell(`az identity create -g dev -n app -o none && az identity federated-credential create -g dev --identity-name app -n pods --issuer ${issuerURL} --subject ${SUBJECT} -o none && az identity show -g dev -n app --query clientId -o tsv`);
    assert.equal(made.code, 0, made.stderr);
    const token = await tokenOf(api);
    const { endpoint, tenantId } = await home.profile();
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: made.stdout.trim(), client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: token });
    const reply = await exchange(home, 'POST', `${endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() });
    assert.deepEqual([reply.status, await verdict(token)], [200, LET_IN]);
  });

  it('others are not let in, and the application is not asked', async () => {
    const other = await ClusterApi.open(home, { name: 'other' });
    await other.create();
    const token = await tokenOf(api);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const admin = Buffer.from(Buffer.from(payload, 'base64url').toString().replace(':app', ':adm')).toString('base64url');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    const rows: readonly (readonly [string, Parameters<typeof verdict>, readonly unknown[]])[] = [
      ['for another audience', [await tokenOf(api, 'api://elsewhere')], [403, undefined, null]],
      ['of another issuer', [await tokenOf(other)], INVALID],
      ['none', [null], [401, 'invalid_request', null]],
      ['none, to OPTIONS, which the module lets through by itself', [null, { method: 'OPTIONS' }], [401, undefined, null]],
      ['with another subject', [`${header}.${admin}.${signature}`], INVALID],
      ['with a signature of another', [`${header}.${payload}.${(await tokenOf(api)).split('.')[2]}`], INVALID],
      ['without a signature', [unsigned], INVALID],
      ['that has ended', [expired], INVALID],
    ];
    for (const [what, asked, expected] of rows) assert.deepEqual([what, ...(await verdict(...asked))], [what, ...expected]);
    assert.deepEqual(await verdict(token), LET_IN);
  });

  it('it is the configuration that looks at the issuer', async () => {
    const text = await readFile(EXAMPLE, 'utf8');
    const file = join(home.dir, 'apache.conf');
    await writeFile(file, text.replace('"iss:${ISSUER}"', '"iss:https://issuer.example/"'));
    await withAnother(async (strict) => assert.deepEqual(await verdict(await tokenOf(api), {}, strict), [403, undefined, null]), file);
  });

  it('a rotation is not noticed; a revoked key is, as soon as the keys are read again', async () => {
    const first = await tokenOf(api);
    assert.deepEqual(await verdict(first), LET_IN);
    await api.rotateToTheEnd();
    const second = await tokenOf(api);
    assert.deepEqual([await verdict(second), await verdict(first)], [LET_IN, LET_IN]);
    await withAnother(async (fresh) => assert.deepEqual([await verdict(second, {}, fresh), await verdict(first, {}, fresh)], [LET_IN, LET_IN]));

    // The copy that it holds is of before: it has the key that was revoked, and not the one that signs now.
    assert.equal((await api.rotateToTheEnd()).properties?.revoked?.length, 1);
    assert.deepEqual(await verdict(first), LET_IN);
    const third = await tokenOf(api);
    assert.deepEqual([await verdict(third), await verdict(second), await verdict(first)], [LET_IN, LET_IN, INVALID]);
  });
});
