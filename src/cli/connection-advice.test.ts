/** What is said for which error of Node's; where each text comes from is tested with the commands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceFor, PUBLIC_DOCUMENTS } from './connection-advice.ts';

test('each error has its own advice, and none that says enough itself', () => {
  const { refused, noSuchName, untrusted } = PUBLIC_DOCUMENTS;
  const rows = [
    ['ECONNREFUSED', refused], ['ENOTFOUND', noSuchName], ['EAI_AGAIN', noSuchName], ['SELF_SIGNED_CERT_IN_CHAIN', untrusted], ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for other names than this one. Use a name that is in it.'],
    ['CERT_HAS_EXPIRED', "its certificate is not valid at this time. Renew it on the server, and check this machine's clock."], ['EPROTO', undefined], ['', undefined],
  ] as const;
  for (const [code, advice] of rows) assert.equal(adviceFor(code, PUBLIC_DOCUMENTS), advice, code);
});
