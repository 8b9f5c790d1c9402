/** What a signer at a socket gives, asked as kube-apiserver asks: with a real signer there, and with none. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKey, openedRing, serveRing, socketFolder } from '../../test/support/signer-rings.ts';
import { signerKids } from './signer-probe.ts';

test('every key that the signer gives, those that only verify too', async (t) => {
  const [active, prepared, former] = [makeKey(), makeKey(), makeKey('ES256')] as const;
  const { socket } = await serveRing(t, await openedRing({ active, prepared, verifyOnly: [[former, null]] }));
  assert.deepEqual(await signerKids(socket), [active.kid, prepared.kid, former.kid]);
});

test('nobody at the socket is said, and where', async (t) => {
  const socket = join(socketFolder(t), 's.sock');
  await assert.rejects(signerKids(socket), { code: 'AttachmentRefused', message: new RegExp(`^No signer answers at ${socket} `) });
});
