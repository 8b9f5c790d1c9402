import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_VERSION, hasIssuerByDefault, KNOWN_MINORS, parseKubernetesVersion, versionWarning } from './kubernetes-version.ts';

/** text → minor, whether an issuer is on by default, whether there is a warning. */
const READ: readonly (readonly [string, number, boolean, boolean])[] = [
  ['', 37, true, false],
  ['1.22', 22, false, false],
  ['1.22.0', 22, false, false],
  ['1.33.9', 33, false, false],
  ['1.34', 34, true, false],
  ['1.34.2', 34, true, false],
  ['1.37', 37, true, false],
  ['1.38', 38, true, true],
  ['1.999.9999', 999, true, true],
];

for (const [text, minor, byDefault, warned] of READ) {
  test(`'${text}' is minor ${minor}${byDefault ? ', issuer on by default' : ''}${warned ? ', with a warning' : ''}`, () => {
    const version = parseKubernetesVersion(text);
    assert.deepEqual(version, { text: text === '' ? '1.37' : text, minor });
    assert.equal(hasIssuerByDefault(version), byDefault);
    assert.equal(versionWarning(version), warned ? `Kubernetes ${text} is newer than 1.37, the newest that this Mintmark knows; it is accepted as given.` : null);
  });
}

const TOO_OLD = ['1.21', '1.21.14', '1.0', '1.9.1'];
const MALFORMED = ['1', '2.0', '0.36', 'v1.34', '1.34.', '1.034', '1.34.02', '1.1000', '1.34.2-rc.1', ' 1.34', '1.34\n', '１.34', 'latest', 'constructor'];

for (const text of TOO_OLD) {
  test(`'${text}' is too old`, () => {
    assert.throws(() => parseKubernetesVersion(text), { code: 'UnsupportedKubernetesVersion', target: 'properties.kubernetesVersion', message: `Kubernetes ${text} is too old: an issuer needs 1.22 or later.` });
  });
}

for (const text of MALFORMED) {
  test(`${JSON.stringify(text)} is no version`, () => {
    assert.throws(() => parseKubernetesVersion(text), { code: 'UnsupportedKubernetesVersion', message: `'${text}' is no Kubernetes version: write it as 1.37 or 1.37.1.` });
  });
}

test('the message holds the start of an over-long version only', () => {
  assert.throws(() => parseKubernetesVersion('9'.repeat(5000)), { message: `'${'9'.repeat(40)}' is no Kubernetes version: write it as 1.37 or 1.37.1.` });
});

test('the default is the newest known minor, and the known minors have no gap', () => {
  assert.equal(DEFAULT_VERSION, '1.37');
  assert.deepEqual([...KNOWN_MINORS], Array.from({ length: 16 }, (_, index) => 22 + index));
});
