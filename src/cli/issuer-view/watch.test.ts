import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import type { IssuerBody } from '../../http/management/contract.ts';
import { watchIssuer, widthOf } from './watch.ts';

const issuer = {
  id: '/', properties: {
    issuerURL: 'https://i/', jwksURI: 'https://i/j', maxAgeSeconds: 1, ringVersion: 1, rotationPolicy: { rotateEverySeconds: null }, keys: [], pendingRotation: null, waiting: null,
    calendar: { nextRotationAt: null, nextRemovalAt: null },
  },
} as unknown as IssuerBody;

function collector(isTTY: boolean): { readonly stdout: Writable & { isTTY: boolean }; readonly text: () => string } {
  let text = '';
  return { stdout: Object.assign(new Writable({ write: (chunk: Buffer, _encoding, done) => { text += chunk.toString(); done(); } }), { isTTY }), text: () => text };
}

test('a terminal is redrawn, another output gets a block for each change', async () => {
  for (const [isTTY, blocks, redraws] of [[true, 3, 3], [false, 2, 0]] as const) {
    const { stdout, text } = collector(isTTY);
    let reads = 0;
    const stop = new AbortController();
    await watchIssuer({ stdout, signal: stop.signal }, async () => {
      reads += 1;
      if (reads === 3) stop.abort();
      return { ...issuer, properties: { ...issuer.properties, ringVersion: reads === 3 ? 2 : 1 } };
    }, () => false);
    assert.equal(text().split('Issuer   https://i/\n').length - 1, blocks);
    assert.equal(text().split('\u001B[H\u001B[J').length - 1, redraws);
  }
});

test('the width is the terminal’s, or 100 where there is none', () => {
  const { stdout } = collector(true);
  assert.deepEqual([undefined, 0, 42].map((columns) => widthOf({ stdout: Object.assign(stdout, { columns: columns as number }) })), [100, 100, 42]);
});

test('what a server says is shown on its line, and does not steer the terminal', async () => {
  for (const isTTY of [true, false]) {
    const { stdout, text } = collector(isTTY);
    const hostile = { ...issuer, properties: { ...issuer.properties, issuerURL: 'https://i/\nJWKS\u001B[2J\u009B2J' } };
    await watchIssuer({ stdout }, async () => hostile, () => true);
    assert.ok(text().includes('Issuer   https://i/\\nJWKS\\u001b[2J\\u009b2J\nCluster'), text());
  }
});
