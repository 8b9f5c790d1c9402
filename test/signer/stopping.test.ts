/** A signer's socket: what its health says when the path leads elsewhere, and that a stop ends every connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from '../../src/serve/server-process.ts';
import { serveExternalSigner } from '../../src/signer/external-mode.ts';
import { Lease } from '../../src/signer/lease.ts';
import { machineClock } from '../../src/signer/signer-clock.ts';
import { NO_PROOF_NEEDED, signerStatus } from '../../src/signer/status.ts';
import { ExternalJwtWire } from '../support/external-jwt-wire.ts';
import { claimsAt } from '../support/signer-process.ts';
import { ISSUER, makeKey, NO_OBSERVER, openedRing, SILENT, socketFolder } from '../support/signer-rings.ts';

const around = { now: machineClock.now, bar: () => null, observer: NO_OBSERVER, lockFile, log: SILENT };
const OPENED = await openedRing({ active: makeKey(), prepared: makeKey() });

test('a connection that says nothing is cut when a stop has waited long enough', async (t) => {
  const signer = await serveExternalSigner(OPENED, { path: join(socketFolder(t), 's.sock') }, around);
  const silent = connect(signer.path).on('error', () => undefined);
  await once(silent, 'connect');
  const ended = new Promise((resolve) => { silent.once('close', resolve); });
  await signer.stop(50);
  // It does not read either, so it learns only by this that nobody is there.
  const knocks = setInterval(() => silent.write('x'), 20);
  t.after(() => clearInterval(knocks));
  await ended;
});

test('what was signed is answered before a stop ends the connection', async (t) => {
  let signed = 0;
  const signer = await serveExternalSigner(OPENED, { path: join(socketFolder(t), 's.sock') }, { ...around, observer: { ...NO_OBSERVER, signed: () => { signed += 1; } } });
  const wire = new ExternalJwtWire(signer.path);
  t.after(() => wire.close());
  const claims = claimsAt(ISSUER, machineClock.now());
  const inFlight = Array.from({ length: 200 }, () => wire.sign(claims));
  await Promise.any(inFlight);
  await signer.stop();
  const answers = await Promise.allSettled(inFlight);
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, signed);
});

test('a socket whose path was removed is a warning', async (t) => {
  const signer = await serveExternalSigner(OPENED, { path: join(socketFolder(t), 's.sock') }, around);
  t.after(() => signer.stop(0));
  assert.equal(signer.fault(), null);
  rmSync(signer.path);
  const fault = signer.fault();
  assert.match(fault!, /^The socket \S+\/s\.sock was removed, or another process has put its own there/);
  const follower = { view: { standing: 'connected', trouble: null, refusedRings: 0 }, acknowledger: { acknowledged: null } } as unknown as Parameters<typeof signerStatus>[0];
  const status = (is: string | null) => signerStatus(follower, new Lease(machineClock, machineClock.now(), null), OPENED.ring, { fault: is, outlook: NO_PROOF_NEEDED });
  assert.deepEqual([status(null).warnings, status(fault).warnings, status(fault).bar], [[], [fault], null]);
});
