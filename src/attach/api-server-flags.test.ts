/** The flags of each minor version, way and stage, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KNOWN_MINORS, NEWEST_MINOR } from '../domain/kubernetes-version.ts';
import { apiServerFlags, assertPossible, type Attachment, chosenWay, defaultWay, flagText } from './api-server-flags.ts';
import { type Distribution, DISTRIBUTION_FACTS, DISTRIBUTIONS, type AttachedWay } from './distributions.ts';
import { notesFor } from './notes.ts';

const ISSUER = 'https://eastus.oic.example.com/t/u/';
const FORMER = 'https://kubernetes.default.svc.cluster.local';
const BASE: Attachment = {
  distribution: 'kubeadm', way: 'external', minor: 36, stage: 'sign', issuerUrl: ISSUER, jwksUri: `${ISSUER}openid/v1/jwks`, formerIssuers: [FORMER],
  formerKeyFiles: [], socket: '/run/mintmark/signer.sock', keyFolder: '/var/lib/mintmark/api-server', useAlpha: false, keepAutoExtension: false,
};
const texts = (change: Partial<Attachment>): readonly string[] => apiServerFlags({ ...BASE, ...change }).map(flagText);

const ISSUERS = [`--service-account-issuer=${ISSUER}`, `--service-account-issuer=${FORMER}`, `--service-account-jwks-uri=${ISSUER}openid/v1/jwks`];
const EXTERNAL = [...ISSUERS, '--service-account-signing-endpoint=/run/mintmark/signer.sock', '--service-account-extend-token-expiration=false'];
const KEY_FILES = [
  ...ISSUERS, '--service-account-signing-key-file=/var/lib/mintmark/api-server/sa.key', '--service-account-key-file=/var/lib/mintmark/api-server/sa.pub',
  '--service-account-max-token-expiration=24h0m0s', '--service-account-extend-token-expiration=false',
];

for (const minor of KNOWN_MINORS) {
  const external = minor >= 34 ? 'on' : minor >= 32 ? 'alpha' : 'absent';
  test(`1.${minor}: external signing is ${external}`, () => {
    const wanted = { on: [EXTERNAL, EXTERNAL], alpha: ['ImpossibleAttachment', [...EXTERNAL, '--feature-gates=ExternalServiceAccountTokenSigner=true']], absent: ['ImpossibleAttachment', 'ImpossibleAttachment'] }[external];
    const found = [false, true].map((useAlpha) => {
      try {
        return texts({ minor, useAlpha });
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    assert.deepEqual(found, wanted);
    assert.equal(defaultWay('kubeadm', minor), external === 'on' ? 'external' : 'key-files');
  });
  test(`1.${minor}: key files`, () => assert.deepEqual(texts({ minor, way: 'key-files' }), KEY_FILES));
}

test('a newer minor than any known is as the newest known one, and a note says so', () => {
  for (const way of ['external', 'key-files'] as const) assert.deepEqual(texts({ minor: NEWEST_MINOR + 1, way }), texts({ minor: NEWEST_MINOR, way }));
  assert.equal(defaultWay('kubeadm', NEWEST_MINOR + 1), defaultWay('kubeadm', NEWEST_MINOR));
  const notes = (minor: number): readonly string[] => notesFor({ ...BASE, minor }).filter((note) => note.includes('newer than'));
  assert.deepEqual([notes(NEWEST_MINOR), notes(NEWEST_MINOR + 1)], [[], ['Kubernetes 1.38 is newer than 1.37, the newest that this Mintmark knows: the flags are those of 1.37. Try them on one API server first, and look whether there is a newer Mintmark.']]);
});

test('keeping the extension leaves its flag out, in key-file mode beside the bound of a day', () => {
  assert.deepEqual(texts({ keepAutoExtension: true }), EXTERNAL.filter((flag) => !flag.includes('extend')));
  assert.deepEqual(texts({ way: 'key-files', keepAutoExtension: true }), KEY_FILES.filter((flag) => !flag.includes('extend')));
});

test('while it accepts, the former issuer signs, and the signing key is left alone', () => {
  assert.deepEqual(texts({ stage: 'accept', formerKeyFiles: ['/etc/kubernetes/pki/sa.pub'] }), [
    `--service-account-issuer=${FORMER}`, `--service-account-issuer=${ISSUER}`,
    '--service-account-key-file=/etc/kubernetes/pki/sa.pub', '--service-account-key-file=/var/lib/mintmark/api-server/accepted.pub',
  ]);
});

test('former key files come after ours; every former issuer is accepted, once', () => {
  assert.deepEqual(texts({ way: 'key-files', formerKeyFiles: ['/a.pub', '/b.pub'] }).filter((flag) => flag.includes('account-key-file')).map((flag) => flag.split('=')[1]), ['/var/lib/mintmark/api-server/sa.pub', '/a.pub', '/b.pub']);
  assert.deepEqual(texts({ formerIssuers: [FORMER, 'https://older/', ISSUER] }).filter((flag) => flag.includes('-issuer=')).map((flag) => flag.split('=')[1]), [ISSUER, FORMER, 'https://older/']);
  assert.equal(texts({ formerIssuers: [] }).filter((flag) => flag.includes('-issuer=')).length, 1);
});

/** Distribution → the ways that are possible on a version that has everything. */
const POSSIBLE: Readonly<Record<Distribution, readonly AttachedWay[]>> = { kubeadm: ['external', 'key-files'], 'cluster-api': ['external', 'key-files'], k3s: ['key-files'], rke2: ['key-files'], talos: [] };

for (const distribution of DISTRIBUTIONS) {
  test(`${distribution}: what is impossible is refused with the reason`, () => {
    for (const way of ['external', 'key-files'] as const) {
      const attempt = (): void => assertPossible({ distribution, way, minor: 36, useAlpha: false });
      if (POSSIBLE[distribution].includes(way)) attempt();
      else assert.throws(attempt, { code: 'ImpossibleAttachment', message: /can not be attached (by (external signing|key files): |in any way today\. By external signing: .+ By key files: ).+/ });
    }
  });
  test(`${distribution}: followed attaches nothing, and is refused with the reason`, () => {
    const { name, ways } = DISTRIBUTION_FACTS[distribution];
    assert.throws(() => chosenWay('followed', distribution, 36), { code: 'ImpossibleAttachment', message: `${name} can not be followed: ${ways.followed.why}` });
  });
}

test('the way that is asked for is taken, else that of the version', () => {
  assert.deepEqual([chosenWay('key-files', 'kubeadm', 36), chosenWay(null, 'kubeadm', 36), chosenWay(null, 'kubeadm', 33), chosenWay(null, 'k3s', 36)], ['key-files', 'external', 'key-files', 'key-files']);
});

test('the refusal of external signing names the way that is possible', () => {
  assert.throws(() => texts({ distribution: 'k3s' }), { message: 'k3s can not be attached by external signing: k3s always passes --service-account-key-file and --service-account-signing-key-file, which exclude the signing endpoint; kube-apiserver-arg can change their values and never removes them. Key files are possible: --mode key-files.' });
  assert.throws(() => texts({ minor: 31 }), { message: /1\.31 has no external signing.*--mode key-files/ });
  assert.throws(() => texts({ minor: 33 }), { message: /--use-alpha/ });
});
