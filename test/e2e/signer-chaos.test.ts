/**
 * Chaos with real processes: a server, two signers with an API server each, and the lines between them cut, held and
 * healed, and processes killed, at random. Whatever happens, a token that was given out verifies, at both API servers and
 * by the public documents, until its end; unless a rotation by hand said before that it would take its key away.
 *
 * `MINTMARK_CHAOS_SEED` repeats a history (what the machine does in between is not repeated), `MINTMARK_CHAOS_DEEDS` makes
 * it longer.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import type { RotateReply } from '../../src/http/management/contract.ts';
import { ApiServer } from '../support/api-server.ts';
import { ClusterApi, success } from '../support/dev-api.ts';
import { eventually } from '../support/dev-server.ts';
import { type SignerHost, SignerServer } from '../support/signer-servers.ts';

const DEEDS = Number(process.env['MINTMARK_CHAOS_DEEDS'] ?? 16);
const SEED = Number(process.env['MINTMARK_CHAOS_SEED'] ?? randomInt(2 ** 31));
const SUBJECT = 'system:serviceaccount:default:default';
const server = await SignerServer.make();

/** Mulberry32: the same seed, the same history of deeds. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

interface Host {
  readonly signer: SignerHost;
  readonly apiServer: ApiServer;
}

const kidOf = (token: string): string => decodeProtectedHeader(token).kid!;

test(`tokens outlive whatever happens (seed ${SEED}, ${DEEDS} deeds)`, async (t) => {
  const roll = dice(SEED);
  const api = await ClusterApi.open(server);
  const { issuerURL } = await api.show();
  const hosts: Host[] = [];
  for (const name of ['cp-1', 'cp-2']) {
    const signer = await server.signer(name);
    await signer.start();
    const apiServer = await ApiServer.start(signer.socket, issuerURL);
    t.after(() => apiServer.stop());
    hosts.push({ signer, apiServer });
  }
  const tokens: string[] = [];
  /** Kids that a rotation by hand has named before it was asked for. */
  const named = new Set<string>();
  const history: string[] = [];

  async function give({ signer, apiServer }: Host): Promise<void> {
    const token = await eventually(`${signer.name} gives a token`, () => apiServer.requestToken().catch(() => undefined));
    assert.equal(await apiServer.review(token), SUBJECT, `${signer.name} verifies what it gave (${history.join(', ')})`);
    tokens.push(token);
  }

  async function assertVerified(token: string): Promise<void> {
    const [kid, published] = [kidOf(token), createLocalJWKSet(await api.jwks())];
    const verdicts = await Promise.all([
      ...hosts.map(({ apiServer }) => apiServer.sync().catch(() => undefined).then(() => apiServer.review(token))),
      jwtVerify(token, published, { issuer: issuerURL }).then(({ payload }) => payload.sub),
    ].map((verdict) => verdict.catch((error: Error) => error.message)));
    if (!named.has(kid)) assert.deepEqual(verdicts, [SUBJECT, SUBJECT, SUBJECT], `a token of ${kid} (${history.join(', ')})`);
  }

  async function rotate(): Promise<void> {
    const { rotationWouldRevoke, pendingRotation } = await api.show();
    for (const { kid } of rotationWouldRevoke) named.add(kid);
    for (const kid of pendingRotation?.revokes ?? []) named.add(kid);
    success<RotateReply>(await api.rotate());
  }

  const deeds: readonly (readonly [string, () => Promise<unknown> | void])[] = [
    ['rotate', rotate],
    ['rotate', rotate],
    ['cut', () => server.line.cut()],
    ['hold', () => server.line.hold()],
    ['heal', () => server.line.heal()],
    ['heal', () => server.line.heal()],
    ['kill the server', () => server.end('SIGKILL').then(() => server.start())],
    ...hosts.map(({ signer }): readonly [string, () => Promise<unknown>] => [`kill ${signer.name}`, () => signer.end('SIGKILL').then(() => signer.start())]),
    ...hosts.map(({ signer }): readonly [string, () => Promise<unknown>] => [`stop ${signer.name}`, () => signer.end('SIGTERM').then(() => signer.start())]),
  ];

  for (let number = 0; number < DEEDS; number += 1) {
    const [what, deed] = deeds[roll(deeds.length)]!;
    history.push(what);
    await deed();
    for (const host of hosts) await give(host);
    await assertVerified(tokens[roll(tokens.length)]!);
  }

  server.line.heal();
  const { ringVersion } = await api.show();
  for (const { signer } of hosts) {
    await eventually(`${signer.name} has the ring (${history.join(', ')})`, async () => {
      const { properties } = success<{ properties: { acknowledgedVersion: number | null } }>(await api.send('GET', `${api.issuer}/signers/${signer.name}`));
      return (properties.acknowledgedVersion ?? 0) >= ringVersion || undefined;
    });
  }
  for (const host of hosts) await give(host);
  for (const token of tokens) await assertVerified(token);
  const kids = new Set(tokens.map(kidOf));
  t.diagnostic(`${tokens.length} tokens by ${kids.size} keys, ${named.size} keys named by rotations: ${history.join(', ')}`);
});
