/**
 * Random sequences of calls of the management API, held against a model that is plain maps (`api-model.ts`). Every reply is
 * one that the OpenAPI document of this very server describes, and none is a failure of the server.
 *
 * `MINTMARK_API_RUNS` is how many sequences are tried; a failing one is printed as its shortest form with the seed to repeat it.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { generateKey, type UnsealedKey } from '../../src/keys/generate.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { type ManagementWorld, openManagement } from '../support/management.ts';
import { type OpenApiDocument, ReplyContract } from '../support/reply-contract.ts';
import { BAD_REQUESTS } from './api-bad-requests.ts';
import { ISSUER_DEEDS } from './api-issuer-deeds.ts';
import { PEOPLE_DEEDS } from './api-people-deeds.ts';
import type { Deed } from './api-places.ts';
import { BEGINNING, RESOURCE_DEEDS } from './api-resource-deeds.ts';
import { ApiRun, type Send } from './api-run.ts';

const RUNS = Number(process.env['MINTMARK_API_RUNS'] ?? 100);
const LONGEST_MS = Math.max(300_000, RUNS * 2000);
const TIMEOUT = { timeout: LONGEST_MS };
/** A failure is told in the shortest form that was found until then. */
const SETTINGS = { interruptAfterTimeLimit: LONGEST_MS * 0.8 } as const;

const deedsOf = fc.array(fc.oneof(...RESOURCE_DEEDS, ...ISSUER_DEEDS, ...PEOPLE_DEEDS, { weight: 4, arbitrary: BAD_REQUESTS }), { minLength: 1, maxLength: 60, size: 'max' });
const sequences = fc.tuple(fc.constantFrom(0, 1, 2, 2, 4, 4), deedsOf).map(([begun, deeds]) => [...BEGINNING.slice(0, begun), ...deeds]);

/** Making a key takes long, and no two of one run may be the same: so each run begins with the same ones. */
const stock: Promise<UnsealedKey>[] = [];
function keysOfARun(): () => Promise<UnsealedKey> {
  let used = 0;
  return () => (stock[used] ??= generateKey(2048), stock[(used += 1) - 1]!);
}

type Open = NonNullable<Parameters<typeof openManagement>[0]>;

const inject = ({ server }: ManagementWorld): Send => async ({ method, path, headers, body }) => {
  const { statusCode, headers: got, payload } = await server.inject({ method, url: path, headers, ...(body === undefined ? {} : { payload: body }) });
  return { status: statusCode, headers: got, text: payload };
};

let contract: ReplyContract | undefined;

/** All that is there at the end of a sequence is what the model says. */
async function assertWhole(run: ApiRun): Promise<void> {
  for (const cluster of run.model.clusters.values()) {
    const reply = await run.ask({ who: run.witness(cluster.subscriptionId), method: 'GET', path: cluster.id });
    run.assertCluster(reply!.json(), cluster, false);
    if (cluster.ring !== null) await run.assertIssuer(cluster, cluster.ring, false);
  }
}

async function play(deeds: readonly Deed[], open: Open, sendIn: (world: ManagementWorld) => Send): Promise<void> {
  const world = await openManagement({ generate: keysOfARun(), ...open });
  try {
    contract ??= new ReplyContract((await world.server.inject({ method: 'GET', url: '/openapi.json' })).json<OpenApiDocument>());
    const run = new ApiRun(world, contract, sendIn(world));
    for (const one of deeds) await one.run(run);
    await assertWhole(run);
  } finally {
    await world.server.close();
    await world.store.close();
  }
}

test('random sequences on the store in memory do what the model says', TIMEOUT, () =>
  fc.assert(fc.asyncProperty(sequences, (deeds) => play(deeds, {}, inject)), { ...SETTINGS, numRuns: RUNS }));

async function folderFor(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-api-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Over a socket, as clients send. */
const overSocket = ({ server }: ManagementWorld): Send => {
  const listening = server.listen({ host: '127.0.0.1', port: 0 });
  return async ({ method, path, headers, body }) => {
    const reply = await fetch((await listening) + path, { method, headers, ...(body === undefined || method === 'GET' ? {} : { body }) });
    return { status: reply.status, headers: Object.fromEntries(reply.headers), text: await reply.text() };
  };
};

/** Every commit is written through to the disk, so these are fewer. */
test('random sequences on SQLite, over a socket, do what the model says', TIMEOUT, async (t) => {
  const folder = await folderFor(t);
  let count = 0;
  const openStore: NonNullable<Open['openStore']> = (clock) => openSqliteStore({ file: join(folder, `${(count += 1)}.db`), clock });
  await fc.assert(fc.asyncProperty(sequences, (deeds) => play(deeds, { openStore }, overSocket)), { ...SETTINGS, numRuns: Math.ceil(RUNS / 12) });
});

test('a reply that is not as documented is seen', async () => {
  const world = await openManagement();
  const { text } = await inject(world)({ method: 'GET', path: '/openapi.json', headers: {}, body: undefined });
  const judge = new ReplyContract(JSON.parse(text) as OpenApiDocument);
  const headers = { 'x-ms-request-id': '11111111-1111-4111-8111-111111111111', 'content-type': 'application/json' };
  const good = { status: 200, headers, text: '{"status":"ok"}' };
  judge.assertValid('GET', '/healthz', good);
  const WRONG: readonly (readonly [string, Partial<typeof good>, RegExp])[] = [
    ['an undocumented member', { text: '{"status":"ok","secret":1}' }, /additional/], ['a value that is none', { text: '{"status":"fine"}' }, /allowed values/], ['an undocumented status', { status: 201 }, /not documented/],
    ['an error without a code', { status: 404, text: '{"error":{"message":"x"}}' }, /required/], ['another media type', { headers: { ...headers, 'content-type': 'text/html' } }, /Content-Type/], ['no request id', { headers: { ...headers, 'x-ms-request-id': '' } }, /x-ms-request-id/],
  ];
  for (const [what, wrong, message] of WRONG) assert.throws(() => judge.assertValid('GET', '/healthz', { ...good, ...wrong }), { message }, what);
  assert.throws(() => judge.assertValid('GET', '/nowhere', good), /not documented/);
});
