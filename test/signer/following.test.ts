/** A signer and its server: enrolment, following, restarts; every step in rule 6's order. */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pointText } from '../../src/domain/ring-for-signer.ts';
import { enrol } from '../../src/signer/enrolment.ts';
import { openStateFolder } from '../../src/signer/state-folder.ts';
import { lockFile } from '../../src/serve/server-process.ts';
import { eventually } from '../support/dev-server.ts';
import { isAcknowledged, openSignerWorld, signed } from '../support/signer-process.ts';
import { watchSyncs } from '../support/syncs.ts';

test('an enrolled state folder is for its owner only, and holds nothing in the clear', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const signer = await world.start(state);
  await isAcknowledged(signer, 1);
  assert.equal(statSync(state.dir).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(state.dir).toSorted().map((name) => [name, (statSync(join(state.dir, name)).mode & 0o777).toString(8)]), [['contact', '600'], ['enrolment.json', '600'], ['lock', '600'], ['ring.jwe', '600'], ['signer-keys.json', '600']]);
  assert.match((await state.ring())!, /^ey[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+$/);
});

test('a rotation reaches the signer: written, used, acknowledged, in this order', async (t) => {
  const world = await openSignerWorld(t);
  const signer = await world.start(await world.enrolled());
  const first = (await world.stored()).version;
  await isAcknowledged(signer, first);
  const before = await signed(signer, world);
  await world.rotate();
  const { version, keys } = await world.stored();
  await isAcknowledged(signer, version);
  const [after, active] = [await signed(signer, world), keys.find(({ state }) => state === 'active')!.kid];
  assert.deepEqual([after, before === after], [active, false]);
  const point = pointText(signer.ring.ring);
  assert.deepEqual(world.done.slice(0, 2), ['saved', `acknowledged 1-${first}`]);
  assert.deepEqual(world.done.slice(-3), ['saved', `used ${point}`, `acknowledged ${point}`]);
  const { acked, keyInUse } = await world.record();
  assert.deepEqual([acked?.version, keyInUse], [version, active]);
});

test('a ring is whole on the disk, and has its name there, before it is used', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const signer = await world.start(state);
  await isAcknowledged(signer, (await world.stored()).version);
  await watchSyncs(t, state.dir, ({ of }) => world.done.push(`synced ${of}`));
  await world.rotate();
  await isAcknowledged(signer, (await world.stored()).version);
  const point = pointText(signer.ring.ring);
  assert.deepEqual(world.done.slice(-5), ['synced ring.jwe.part', 'synced .', 'saved', `used ${point}`, `acknowledged ${point}`]);
});

test('what could not be written is not used, and what is not used is not acknowledged', async (t) => {
  const world = await openSignerWorld(t);
  const signer = await world.start(await world.enrolled());
  const { version } = await world.stored();
  await isAcknowledged(signer, version);
  const done = world.done.length;
  let [saves, uses] = [0, 0];
  world.steps.save = async () => { if ((saves += 1) <= 2) throw new Error('ENOSPC'); };
  world.steps.use = async () => { if ((uses += 1) <= 2) throw new Error('can not be used'); };
  await world.rotate();
  await eventually('the disk was tried twice', () => saves >= 2 || undefined);
  assert.equal(signer.ring.ring.version, version);
  await isAcknowledged(signer, (await world.stored()).version);
  assert.deepEqual([saves, uses], [3, 3]);
  assert.deepEqual(world.done.slice(done).map((step) => step.split(' ')[0]), ['saved', 'used', 'acknowledged']);
});

test('a ring is acknowledged only when the API server is proven to use it', async (t) => {
  const world = await openSignerWorld(t);
  let [asked, isProven] = [0, false];
  world.steps.proven = async () => {
    asked += 1;
    if (asked === 1) throw new Error('the API server does not answer');
    return isProven;
  };
  const signer = await world.start(await world.enrolled());
  await eventually('the proof was looked for again', () => asked >= 2 || undefined);
  assert.equal((await world.record()).acked, null);
  isProven = true;
  await isAcknowledged(signer, (await world.stored()).version);
});

test('a server that is away: signing goes on, also after a restart from the disk; later rings come when it is back', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  world.line.cut();
  const kid = await signed(first, world);
  await first.stop();
  const second = await world.start(state);
  const said = second.said.map((line) => JSON.parse(line) as { readonly msg: string; readonly has?: string; readonly server?: string });
  assert.deepEqual([said[0]!.msg.slice(0, 26), said[0]!.has, said[0]!.server], ['the server is asked first;', pointText(first.ring.ring), world.url]);
  assert.equal(await signed(second, world), kid);
  assert.equal(second.follower.view.standing, 'away');
  await world.rotate();
  world.line.heal();
  await isAcknowledged(second, (await world.stored()).version);
  assert.notEqual(await signed(second, world), kid);
  assert.deepEqual([second.follower.view.standing, second.follower.view.trouble], ['connected', null]);
});

test('a disk that was rolled back: the server is asked first, and the old key signs nothing', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  const [snapshot, old] = [(await state.ring())!, await signed(first, world)];
  await world.rotate();
  await isAcknowledged(first, (await world.stored()).version);
  await first.stop();
  await state.saveRing(snapshot);
  const second = await world.start(state, { askFirstWithin: 10_000 });
  assert.notEqual(await signed(second, world), old);
  assert.equal(second.ring.ring.version, (await world.stored()).version);
});

test('the server is asked first for ten seconds and no less, and then the disk is trusted', { timeout: 60_000 }, async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  const old = await signed(first, world);
  await first.stop();
  await world.rotate();
  let limits: { readonly milliseconds: number; readonly end: AbortController }[] = [];
  t.mock.method(AbortSignal, 'timeout', (milliseconds: number) => {
    const end = new AbortController();
    limits.push({ milliseconds, end });
    return end.signal;
  });
  /** Starts while nothing moves on the line, and is so many milliseconds on. */
  const startedFor = async (passed: number) => {
    world.line.cut();
    await eventually('no connection is left', () => world.line.connections === 0 || undefined);
    world.line.hold();
    limits = [];
    const starting = world.start(state, { askFirstWithin: null });
    await eventually('the server is asked', () => world.line.connections > 0 || undefined);
    for (const { milliseconds, end } of limits) if (milliseconds <= passed) end.abort();
    return { starting };
  };
  const second = await (await startedFor(10_000)).starting;
  assert.deepEqual([await signed(second, world), second.follower.view.standing], [old, 'away']);
  await second.stop();
  const { starting } = await startedFor(9999);
  world.line.heal();
  assert.notEqual(await signed(await starting, world), old);
});

test('a ring for another signer is refused', async (t) => {
  const world = await openSignerWorld(t);
  const [one, other] = [await world.enrolled('cp-1'), await world.enrolled('cp-2')];
  await (await world.start(one)).stop();
  const foreign = (await one.ring())!;
  let asked = 0;
  const starting = world.start(other, { client: (real) => ({ ...real, ring: async () => ((asked += 1), foreign) }) });
  starting.catch(() => 'it is stopped with the test');
  await eventually('it asks for another', () => asked > 2 || undefined);
  assert.equal(await other.ring(), null);
});

test('without a ring on the disk it waits for the server', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  world.line.cut();
  const starting = world.start(state, { askFirstWithin: 1 });
  await eventually('the server was asked', async () => ((await Promise.race([starting.then(() => 'started'), new Promise((later) => { setTimeout(later, 50, 'waits'); })])) === 'waits' || undefined));
  world.line.heal();
  await signed(await starting, world);
});

test('a signer that was deleted wipes its ring, signs no more, still says which keys verify; and says so at a restart', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const signer = await world.start(state);
  await isAcknowledged(signer, (await world.stored()).version);
  await world.world.signers.remove(world.world.cluster, 'cp-1');
  await eventually('it knows', () => signer.follower.view.standing === 'deleted' || undefined);
  await eventually('it stopped', () => signed(signer, world).then(() => undefined, () => true));
  await assert.rejects(signed(signer, world), { code: 'SigningStopped', message: 'Nothing is signed: this signer was deleted on its server.' });
  assert.ok(signer.ring.keysReply().length > 300);
  assert.equal(await state.ring(), null);
  await assert.rejects(world.start(state), { code: 'SigningStopped', message: `The signer 'cp-1' was deleted on its server, and its ring was wiped from ${state.dir}. To sign here again, empty that folder and enrol it anew.` });
});

test('a server that does not know the signer: it keeps signing, raises an alarm, and starts from its disk', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const first = await world.start(state);
  await isAcknowledged(first, (await world.stored()).version);
  await first.stop();
  const other = await openSignerWorld(t);
  world.line.leadTo(Number(new URL(other.world.base).port));
  const second = await world.start(state, { askFirstWithin: 10_000 });
  await signed(second, world);
  await eventually('it is refused', () => second.follower.view.standing === 'refused' || undefined);
  assert.ok(second.said.some((line) => line.includes('"level":50')));
});

test('a signer without a ring that the server does not know says why and ends', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  const other = await openSignerWorld(t);
  world.line.leadTo(Number(new URL(other.world.base).port));
  await assert.rejects(world.start(state), { code: 'AssertionRefused' });
});

test('a state folder is used by one process at a time, and by its owner only', async (t) => {
  const world = await openSignerWorld(t);
  const state = await world.enrolled();
  await assert.rejects(openStateFolder(state.dir, lockFile), { code: 'HomeInUse', message: `Another signer runs on the state folder ${state.dir}. Stop it, or give this one another folder with --state-dir DIR.` });
  await assert.rejects(openStateFolder('/tmp', lockFile), { code: 'InvalidConfiguration', message: 'The state folder /tmp is open to others than its owner: run chmod 700 /tmp.' });
});

test('enrolment: once for a folder, repeatable when the answer was lost, to the server of the token only', async (t) => {
  const world = await openSignerWorld(t);
  const open = async (name: string) => {
    const state = await openStateFolder(join(world.folder, name), lockFile);
    t.after(() => state.release());
    return state;
  };
  const [state, tokenFile, now, warn] = [await open('s'), await world.tokenFile(), world.clock.now(), () => undefined];
  const enrolled = await enrol(state, { tokenFile, warn, env: {} }, now);
  await assert.rejects(enrol(state, { tokenFile, warn, env: {} }, now), { code: 'InvalidConfiguration', message: `${state.dir} is enrolled already, as signer 'cp-1' of ${enrolled.issuerUrl}. Use another folder; or delete that signer on its server, empty the folder, and enrol again.` });
  // As after an answer that was lost: the keys are there, the enrolment is not.
  writeFileSync(join(state.dir, 'enrolment.json'), '');
  await assert.rejects(state.enrolledAs(), { code: 'InvalidConfiguration', message: /^\S+enrolment.json is not in the form that Mintmark writes/ });
  const again = await open('again');
  copyFileSync(join(state.dir, 'signer-keys.json'), join(again.dir, 'signer-keys.json'));
  assert.deepEqual(await enrol(again, { tokenFile, warn, env: {} }, now), enrolled);
  await assert.rejects(enrol(await open('other'), { tokenFile, warn, env: {} }, now), { code: 'EnrolmentRefused' });
  const text = readFileSync(tokenFile, 'utf8');
  const changed = (members: object): string => `mmse_${Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(text.slice(5), 'base64url').toString('utf8')) as object, ...members })).toString('base64url')}`;
  const rows: readonly (readonly [string, string, RegExp])[] = [
    [text.slice(0, 40), 'InvalidConfiguration', /holds no enrolment token/],
    [changed({ ca: '0'.repeat(64) }), 'ServerUnreachable', /is not the server that made this token/],
    [changed({ ca: null }), 'ServerUnreachable', /can not be asked: .*certificate/],
    [changed({ url: 'https://127.0.0.1:1' }), 'ServerUnreachable', /ECONNREFUSED/],
    [changed({ rsk: 'x'.repeat(43), id: 'unknown' }), 'EnrolmentRefused', /./],
  ];
  for (const [index, [token, code, message]] of rows.entries()) {
    const file = join(world.folder, `bad-${index}`);
    writeFileSync(file, token);
    await assert.rejects(enrol(await open(`bad-state-${index}`), { tokenFile: file, warn, env: {} }, now), { code, message });
  }
  // The same keys and token, so that the server answers; and the answer is not that of the server that the token names.
  const last = await open('last');
  copyFileSync(join(state.dir, 'signer-keys.json'), join(last.dir, 'signer-keys.json'));
  writeFileSync(join(world.folder, 'bad-key'), changed({ rsk: 'x'.repeat(43) }));
  await assert.rejects(enrol(last, { tokenFile: join(world.folder, 'bad-key'), warn, env: {} }, now), { code: 'ServerUnreachable', message: /signs rings by another key than the one in the token/ });
  assert.equal(await last.enrolledAs(), null);
});

test('enrolment says who can read the token, and the rule for names before anything is sent', async (t) => {
  const world = await openSignerWorld(t);
  const state = await openStateFolder(join(world.folder, 's'), lockFile);
  t.after(() => state.release());
  const [tokenFile, now, said] = [await world.tokenFile(null), world.clock.now(), [] as string[]];
  const warn = (text: string): void => void said.push(text);
  for (const name of ['CP_1', '', 'cp-', 'c'.repeat(254)]) await assert.rejects(enrol(state, { tokenFile, name, warn, env: {} }, now), { code: 'InvalidConfiguration', message: `--signer: '${name}' is no name for a signer. It has lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit, and is 253 characters long at most. Nothing was sent.` });
  assert.deepEqual([readdirSync(state.dir), said], [['lock'], []], 'no keys are made, and the token is not even read');
  chmodSync(tokenFile, 0o640);
  assert.equal((await enrol(state, { tokenFile, name: 'cp-1', warn, env: {} }, now)).name, 'cp-1');
  assert.deepEqual(said, [`The token file ${tokenFile} can be read by others than its owner, and whoever has the token can enrol a machine that is given the key that signs: run chmod 600 ${tokenFile}, and think of who may have read it.`]);
  const other = await openStateFolder(join(world.folder, 'o'), lockFile);
  t.after(() => other.release());
  await enrol(other, { tokenFile: await world.tokenFile(), warn, env: {} }, now);
  assert.equal(said.length, 1, 'of a file that is 0600 nothing is said');
});
