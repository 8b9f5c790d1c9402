/** Reads every import of src/ and fails on one that points upwards, and on names that say nothing or files that have outgrown theirs. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '../src');

/** Folder → what it may import beside itself: folders of src, and packages (`*`: all). The first folder that fits counts. */
const MAY_IMPORT: readonly (readonly [folder: string, folders: readonly string[], packages: readonly string[]])[] = [
  ['domain', [], []],
  ['keys', ['domain'], ['*']],
  ['store', ['domain'], ['*']],
  ['fetch', [], ['node:*']],
  ['service', ['domain', 'keys', 'store/store.ts', 'fetch/guarded-fetch.ts'], ['node:crypto', 'pino', 'jose', 'quick-lru']],
  ['http/public', ['service/publisher', 'service/clock.ts'], ['node:*', 'pino']],
  ['public-host', ['domain/errors.ts', 'http/public', 'http/listening.ts', 'service/publisher', 'service/clock.ts', 'store/sqlite-documents.ts', 'dev/shifted-clock.ts'], ['node:*', 'pino']],
  ['http/management/contract.ts', ['domain'], ['zod']],
  ['http/management/signer-contract.ts', ['domain'], ['zod']],
  ['http/management/identity-contract.ts', ['http/management/contract.ts'], ['zod']],
  ['http/signers/contract.ts', ['domain'], ['zod']],
  ['package-version.ts', [], ['node:*']],
  ['observability', ['domain', 'package-version.ts', 'service/publisher', 'store/store.ts', 'http/management/observer.ts', 'public-host/protocol.ts'], ['node:*', 'pino', 'prom-client']],
  ['http', ['http', 'domain', 'service', 'store/store.ts'], ['*']],
  ['signer', ['domain', 'keys', 'package-version.ts', 'fetch/outbound-proxy.ts', 'serve/server-process.ts', 'http/signers/contract.ts'], ['*']],
  ['attach', ['domain', 'keys', 'signer/external-jwt-protocol.ts'], ['*']],
  ['cli', ['attach', 'package-version.ts', 'http/management/contract.ts', 'http/management/identity-contract.ts', 'http/management/signer-contract.ts', 'domain/lengths-of-time.ts', 'domain/signer-name.ts'], ['*']],
  ['dev', ['domain', 'keys', 'store', 'service', 'http', 'observability', 'signer', 'public-host/host-thread.ts', 'app.ts', 'config', 'serve/server-process.ts'], ['*']],
  ['serve', ['domain', 'keys', 'store', 'service', 'observability', 'public-host/host-thread.ts', 'app.ts', 'config'], ['*']],
  ['config', ['domain', 'keys', 'fetch'], ['node:*', 'zod', 'yaml']],
  ['app.ts', ['domain', 'keys', 'store', 'fetch', 'service', 'http', 'public-host', 'observability', 'config'], ['*']],
  ['admin', ['domain', 'keys', 'store', 'service', 'config', 'serve/server-process.ts'], ['node:*']],
  ['main.ts', ['admin', 'attach', 'cli', 'config', 'dev', 'serve', 'signer'], ['node:*']],
];

interface Import {
  readonly file: string;
  readonly target: string;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
const textOf = (file: string): string => readFileSync(join(SRC, file), 'utf8');

function importsOf(file: string): readonly Import[] {
  const specifiers = [...textOf(file).matchAll(/(?:^|\n)\s*(?:import|export)\s[^;]*?from\s*'([^']+)'|import\(\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
  return specifiers.map((target) => ({ file, target: target.startsWith('.') ? relative(SRC, join(SRC, dirname(file), target)) : target }));
}

const isIn = (path: string, place: string): boolean => path === place || path.startsWith(`${place}/`) || (place.startsWith('service/') && path.startsWith(place));
const fits = (name: string, pattern: string): boolean => pattern === '*' || name === pattern || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)));

function isAllowed({ file, target }: Import): boolean {
  const rule = MAY_IMPORT.find(([folder]) => isIn(file, folder));
  if (rule === undefined) return false;
  const [folder, folders, packages] = rule;
  const isOurs = target.endsWith('.ts');
  return isOurs ? isIn(target, folder) || folders.some((place) => isIn(target, place)) : packages.some((pattern) => fits(target, pattern));
}

test('imports point only downwards', () => {
  const imports = files.flatMap(importsOf);
  assert.ok(imports.length > 100, 'the imports were found');
  assert.deepEqual(imports.filter((found) => !isAllowed(found)).map(({ file, target }) => `${file} → ${target}`), []);
});

test('a wrong import would be found', () => {
  for (const [file, target] of [['domain/issuer.ts', 'keys/seal.ts'], ['domain/issuer.ts', 'node:crypto'], ['store/sql.ts', 'keys/seal.ts'], ['keys/seal.ts', 'store/store.ts'], ['http/public/server.ts', 'store/store.ts'], ['public-host/serving.ts', 'store/sqlite.ts'], ['public-host/serving.ts', 'keys/seal.ts'], ['http/management/server.ts', 'store/sqlite.ts'], ['cli/run.ts', 'domain/issuer.ts'], ['service/tokens.ts', 'store/sqlite.ts'], ['service/foreign-issuers.ts', 'node:https'], ['fetch/guarded-fetch.ts', 'store/store.ts']] as const) {
    assert.equal(isAllowed({ file, target }), false, `${file} → ${target}`);
  }
});

test('private key material is made, opened and exported in keys/ alone', () => {
  const words = /createPrivateKey|generateKeyPair|createSecretKey|'pkcs8'|PRIVATE KEY/;
  assert.deepEqual(files.filter((file) => !file.startsWith('keys/') && words.test(textOf(file))), []);
});

test('no file is longer than 300 lines, no name says nothing, nothing is left unfinished', () => {
  assert.deepEqual(files.filter((file) => textOf(file).split('\n').length > 301), []);
  assert.deepEqual(files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|manager|index)(\.ts|\/)/.test(file)), []);
  assert.deepEqual(files.filter((file) => /TO-?DO|FIX-?ME|@ts-(ignore|nocheck|expect-error)|(:|as) an[y]\b/.test(textOf(file))), []);
});

test('every module says what it is for', () => {
  assert.deepEqual(files.filter((file) => !/^(#!.*\n)?\/\*\*|^\/\//.test(textOf(file)) && !/\/\*\*/.test(textOf(file).slice(0, 2000))), []);
});
