import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { devConfig, serveConfig } from './config.ts';
import { nearestName } from './nearest-name.ts';
import { readSettings } from './read-settings.ts';
import { rowOf, SETTING_PATHS, type SettingPath, type Values, variableOf } from './settings.ts';

const PAGE = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

function defaultCell(path: SettingPath): string {
  const { kind, serve, dev } = rowOf(path);
  const shown = (written: unknown): string => String(kind.show(kind.schema.parse(written)));
  const main = serve === undefined ? '**required**' : serve === null || shown(serve) === '' ? 'none' : `\`${shown(serve)}\``;
  return dev === undefined ? main : `${main}; dev \`${shown(dev)}\``;
}

const rowText = (path: SettingPath): string => `| \`${path}\` | \`${variableOf(path)}\` | ${rowOf(path).kind.is} | ${defaultCell(path)} | ${rowOf(path).text} |`;

test('docs/configuration.md has the table of settings, row by row', () => {
  assert.deepEqual(PAGE.split('\n').filter((line) => line.startsWith('| `')), SETTING_PATHS.map(rowText));
});

test('the file that docs/configuration.md shows is a whole configuration', () => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(PAGE) ?? [];
  assert.deepEqual(readSettings({ file: { name: 'm.yaml', folder: '/', text }, environment: {}, flags: [], folder: '/' }).faults, []);
});

test('every setting has a sentence and a variable of its own', () => {
  assert.deepEqual(SETTING_PATHS.filter((path) => !/^[A-Z].*\.$/.test(rowOf(path).text)), []);
  assert.equal(new Set(SETTING_PATHS.map(variableOf)).size, SETTING_PATHS.length);
  assert.equal(variableOf('management.tls.keyFile'), 'MINTMARK_MANAGEMENT_TLS_KEY_FILE');
});

test('the configuration is frozen, whatever is in it', () => {
  const flags = ['store.file=s', 'keyEncryptionKey.file=k', 'management.url=https://m', 'issuer.urlTemplate=https://i/{uuid}/', 'issuer.tls.certificateFile=c', 'issuer.tls.keyFile=k', 'management.behindProxy=true', 'management.listen=127.0.0.1:80'];
  const { values, faults } = readSettings({ file: null, environment: {}, flags, folder: '/' });
  assert.deepEqual(faults, []);
  const config = serveConfig(values as Values);
  assert.deepEqual(config.tls, { management: null, issuer: { certificateFile: '/c', keyFile: '/k' }, signers: null });
  assert.deepEqual([config.signers, config.signerLease], [null, 1_209_600]);
  for (const part of [config, config.tls, config.tls.issuer, config.management, config.configuredLocations]) assert.ok(Object.isFrozen(part));
});

test('dev needs nothing but its flags', () => {
  const { management, issuer, managementUrl, issuerUrlTemplate, publicationGap, tokenIssue, rotateEvery, signers } = devConfig({ home: 'h', listen: '127.0.0.1', managementPort: 1, issuerPort: 2, signersPort: 3 });
  assert.deepEqual({ management, issuer, managementUrl, issuerUrlTemplate, publicationGap, tokenIssue, rotateEvery, signers }, {
    management: { host: '127.0.0.1', port: 1, flag: '--management-port' }, issuer: { host: '127.0.0.1', port: 2, flag: '--issuer-port' }, managementUrl: 'https://localhost:1',
    issuerUrlTemplate: 'https://localhost:2/{region}/{tenantId}/{uuid}/', publicationGap: 3, tokenIssue: true, rotateEvery: 2_592_000,
    signers: { listen: { host: '127.0.0.1', port: 3, flag: '--signers-port' }, url: 'https://localhost:3', behindProxy: false },
  });
});

test('dev needs a port for each listener; any free one is no port for two', () => {
  const ports = { home: 'h', listen: '127.0.0.1', managementPort: 0, issuerPort: 0, signersPort: 0 };
  assert.equal(devConfig(ports).signers?.listen.port, 0);
  assert.throws(() => devConfig({ ...ports, issuerPort: 7, signersPort: 7 }), { code: 'InvalidConfiguration', message: 'The issuers and the signers can not both listen on port 7. Give one of them another with --issuer-port or --signers-port.' });
});

test('of the environment dev takes the level of the log, and refuses what is none', () => {
  const level = (MINTMARK_LOG_LEVEL?: string): string => devConfig({ home: 'h', listen: '127.0.0.1', managementPort: 1, issuerPort: 2, signersPort: 3 }, { MINTMARK_LOG_LEVEL, MINTMARK_ROTATE_EVERY: '2d' }).logLevel;
  assert.deepEqual([level(), level(''), level('debug'), level('silent')], ['warn', 'warn', 'debug', 'silent']);
  assert.throws(() => level('loud'), { code: 'InvalidConfiguration', message: 'MINTMARK_LOG_LEVEL must be one of debug, info, warn, error, silent, not "loud".' });
});

test('dev gives each listener a port of its own', () => {
  const config = (managementPort: number, issuerPort: number, metricsPort?: number) => () => devConfig({ home: 'h', listen: '127.0.0.1', managementPort, issuerPort, signersPort: 9, metricsPort });
  for (const [management, issuer, metrics] of [[1, 1], [1, 2, 1], [1, 2, 2]] as const) assert.throws(config(management, issuer, metrics), { code: 'InvalidConfiguration' }, `${management} ${issuer} ${metrics}`);
  for (const [management, issuer, metrics] of [[0, 0, 0], [1, 2], [1, 2, 3]] as const) assert.doesNotThrow(config(management, issuer, metrics));
});

test('the nearest name is the one meant, or none', () => {
  const known = ['store.file', 'stopWithin', 'locations', 'defaultLocation'];
  assert.deepEqual(['store.fil', 'STOPWITHIN', 'location', 'stop', 'wholly-else'].map((name) => nearestName(name, known)), ['store.file', 'stopWithin', 'locations', null, null]);
});
