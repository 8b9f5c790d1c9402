import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings, type Reading, shownValue } from './read-settings.ts';
import { rowOf, SETTING_PATHS } from './settings.ts';

const FILE = `
store: { file: state/mintmark.db }
keyEncryptionKey.file: /etc/mintmark/key
management:
  url: https://mintmark.example.com
  listen: 127.0.0.1:8080
  behindProxy: true
issuer:
  urlTemplate: https://{region}.oic.example.com/{tenantId}/{uuid}/
  tls: { certificateFile: c.pem, keyFile: k.pem }
`;

interface Sources {
  readonly file?: string | null;
  readonly environment?: NodeJS.ProcessEnv;
  readonly flags?: readonly string[];
}

const read = ({ file = FILE, environment = {}, flags = [] }: Sources = {}): Reading =>
  readSettings({ file: file === null ? null : { name: 'm.yaml', folder: '/etc/mintmark', text: file }, environment, flags, folder: '/here' });
const sentences = (reading: Reading): readonly string[] => reading.faults.map(({ about, problem }) => `${about} ${problem}`);
const originOf = (reading: Reading, path: string): readonly unknown[] => reading.shown.filter(({ setting }) => setting === path).flatMap(({ value, from }) => [value, from]);

test('a whole configuration has no fault, and everything else its default', () => {
  const reading = read();
  assert.deepEqual(sentences(reading), []);
  assert.deepEqual(Object.keys(reading.values), SETTING_PATHS);
  const { values } = reading;
  assert.deepEqual([values['management.listen'], values['issuer.listen'], values.publicationGap, values.rotateEvery, values.tokenIssue, values.rsaBits], [{ host: '127.0.0.1', port: 8080 }, { host: '0.0.0.0', port: 9443 }, 600, 2_592_000, false, 2048]);
});

test('a flag is before the environment, the environment before the file, the file before the default', () => {
  const [environment, flags] = [{ MINTMARK_STOP_WITHIN: '20s' }, ['stopWithin=10s', 'stopWithin=30s']];
  const file = `${FILE}\nstopWithin: 7`;
  assert.deepEqual(originOf(read({ file, environment, flags }), 'stopWithin'), ['30s', '--set']);
  assert.deepEqual(originOf(read({ file, environment }), 'stopWithin'), ['20s', 'MINTMARK_STOP_WITHIN']);
  assert.deepEqual(originOf(read({ file }), 'stopWithin'), ['7s', 'm.yaml']);
  assert.deepEqual(originOf(read(), 'stopWithin'), ['5s', 'default']);
  assert.deepEqual(originOf(read({ file, environment: { MINTMARK_STOP_WITHIN: '' } }), 'stopWithin'), ['7s', 'm.yaml'], 'an empty variable is not set');
});

test('a relative path starts from the folder of who says it', () => {
  assert.equal(read().values['store.file'], '/etc/mintmark/state/mintmark.db');
  assert.equal(read({ environment: { MINTMARK_STORE_FILE: 'x.db' } }).values['store.file'], '/here/x.db');
  assert.equal(read({ flags: ['store.file=y.db'] }).values['store.file'], '/here/y.db');
});

test('all that is missing is told at once', () => {
  const reading = read({ file: null });
  assert.deepEqual(reading.faults.map(({ about, problem }) => `${about} ${problem.split(':')[0]}`), [
    'store.file is missing', 'keyEncryptionKey.file is missing', 'management.url is missing', 'issuer.urlTemplate is missing',
    'management.tls.certificateFile and management.tls.keyFile are missing', 'issuer.tls.certificateFile and issuer.tls.keyFile are missing',
  ]);
  assert.match(sentences(reading)[0]!, /Set it in the file, as MINTMARK_STORE_FILE, or by --set store\.file=VALUE\.$/);
  assert.deepEqual(originOf(reading, 'store.file'), [null, 'missing']);
});

const ADDITIONS: readonly (readonly [yaml: string, fault: string])[] = [
  ['stopWithn: 5', 'stopWithn in m.yaml is no setting. Did you mean stopWithin?'],
  ['wholly: { else: 1 }', 'wholly.else in m.yaml is no setting.'],
  ['management.tls.keyfile: x', 'management.tls.keyfile in m.yaml is no setting. Did you mean management.tls.keyFile?'],
  ['store.file: x', 'store.file in m.yaml is there twice.'],
  ['keyEncryptionKey: x', 'keyEncryptionKey in m.yaml has no value of its own; it holds file.'],
  ['keyEncryptionKey:', 'keyEncryptionKey in m.yaml is empty: leave it out.'],
  ['publicationGap: 1s', 'publicationGap (m.yaml) must be a length of time from 2s to 1d, not "1s".'],
  ['publicationGap: soon', 'publicationGap (m.yaml) must be a length of time from 2s to 1d, not "soon".'],
  ['rotateEvery: 1d', 'rotateEvery (m.yaml) must be off, or a length of time from 2d to 365d, not "1d".'],
  ['tokenIssue: "yes"', 'tokenIssue (m.yaml) must be true or false, not "yes".'],
  ['rsaBits: 1024', 'rsaBits (m.yaml) must be one of 2048, 3072, 4096, not 1024.'],
  ['keyPoolSize: -1', 'keyPoolSize (m.yaml) must be a whole number from 0 to 1000, not -1.'],
  ['logLevel: loud', 'logLevel (m.yaml) must be one of debug, info, warn, error, silent, not "loud".'],
  ['issuer.listen: ":9443"', 'issuer.listen (m.yaml) must be an address and a port from 1 to 65535, such as 0.0.0.0:8443 or [::]:8443, not ":9443".'],
  ['issuers.freezeWindows: [weekends]', 'issuers.freezeWindows (m.yaml) must be a list of windows such as Fri 18:00-Mon 06:00, or 2026-12-20T00:00Z/2027-01-05T00:00Z, not ["weekends"].'],
  ['issuers.freezeWindows: [Mon 00:00-Thu 12:00, Thu 00:00-Mon 00:00]', 'issuers.freezeWindows leave no time in any week, so no key would ever rotate by itself. Shorten one; if that is what you want, set the period of each issuer to off instead (rotateEvery, issuer set-rotation).'],
  ['issuers.secondRotation: deny', 'issuers.secondRotation (m.yaml) must be one of allow, confirm, not "deny".'],
  ['metrics.listen: 127.0.0.1:8080', 'metrics.listen is the address of management.listen: each needs a port of its own.'],
  ['metrics.listen: 0.0.0.0:9443', 'metrics.listen is the address of issuer.listen: each needs a port of its own.'],
  ['metrics.listen: 127.0.0.1:9443', 'metrics.listen is the address of issuer.listen: each needs a port of its own.'],
  ['metrics.listen: "[::]:8080"', 'metrics.listen is the address of management.listen: each needs a port of its own.'],
  ['issuer.listen: 127.0.0.1:8080', 'issuer.listen is the address of management.listen: each needs a port of its own.'],
  ['signers.lease: 1m', 'signers.lease (m.yaml) must be off, or a length of time from 1h to 365d, not "1m".'],
  ['signers.url: https://s', 'signers.listen is missing, so Mintmark has no use for signers.url: say an address and port for signers, such as 0.0.0.0:10443.'],
  ['signers: { listen: 0.0.0.0:10443, behindProxy: true }', 'signers.url is missing: say where signers reach the address of signers.listen, such as https://signers.mintmark.example.com.'],
  ['signers: { listen: 0.0.0.0:10443, url: https://s }', 'signers.tls.certificateFile and signers.tls.keyFile are missing: give certificate and key, or set signers.behindProxy to true where a proxy in front ends TLS.'],
  ['signers: { listen: 0.0.0.0:9443, url: https://s, behindProxy: true }', 'signers.listen is the address of issuer.listen: each needs a port of its own.'],
  ['locations: [Here]', 'locations (m.yaml) must be a list of names of lower-case letters, digits and hyphens, not ["Here"].'],
  ['defaultLocation: attic', "defaultLocation is refused: 'attic' is no location: use a public Azure region such as eastus, or add the name to 'locations' in the configuration."],
  ['management.tls.keyFile: k.pem', 'management.behindProxy is true, so Mintmark has no use for management.tls.keyFile: leave one or the other out.'],
];

test('each wrong line is one fault, in words', () => {
  for (const [yaml, fault] of ADDITIONS) assert.deepEqual(sentences(read({ file: `${FILE}\n${yaml}\n` })), [fault], yaml);
});

const REPLACEMENTS: readonly (readonly [setting: string, fault: RegExp])[] = [
  ['management.url=http://m.example.com', /^management\.url \(--set\) must be an https URL without path/],
  ['management.url=https://m.example.com/api', /^management\.url \(--set\) must be an https URL without path/],
  ['management.url=https://me@m.example.com', /^management\.url \(--set\) must be an https URL without path/],
  ['issuer.urlTemplate=https://oic.example.com/{tenantId}/', /^issuer\.urlTemplate is refused: .* lacks \{uuid\}/],
  ['issuer.urlTemplate=http://oic.example.com/{uuid}/', /^issuer\.urlTemplate is refused: .* is not https\.$/],
  ['issuer.tls.keyFile=', /^issuer\.tls\.keyFile \(--set\) must be the path of a file, not ""\.$/],
  ['store.path=x', /^--set store\.path is no setting\. Did you mean store\.file\?$/],
  ['store.file', /^--set store\.file has no value: write --set store\.file=VALUE\.$/],
];

test('each wrong flag is one fault, in words', () => {
  for (const [flag, fault] of REPLACEMENTS) {
    const found = sentences(read({ flags: [flag] }));
    assert.equal(found.length, 1, `${flag}: ${found.join(' ')}`);
    assert.match(found[0]!, fault);
  }
});

test('freeze windows are a list in the file, and separated by commas elsewhere', () => {
  const windows = ['Fri 18:00-Mon 06:00', '2026-12-20T00:00Z/2027-01-05T00:00Z'];
  const file = `${FILE}\nissuers:\n  freezeWindows:\n    - ${windows[0]}\n    - ${windows[1]}\n`;
  for (const sources of [{ file }, { environment: { MINTMARK_ISSUERS_FREEZE_WINDOWS: windows.join(', ') } }, { flags: [`issuers.freezeWindows=${windows.join(',')}`] }]) {
    const reading = read(sources);
    assert.deepEqual([sentences(reading), originOf(reading, 'issuers.freezeWindows')[0]], [[], windows]);
  }
});

test('one port on two addresses of a machine is no fault', () => {
  for (const address of ['127.0.0.2:8080', '[::1]:9443', '127.0.0.1:9100']) assert.deepEqual(sentences(read({ flags: [`metrics.listen=${address}`] })), [], address);
});

test('behind a proxy, plain HTTP listens only where somebody said', () => {
  const file = FILE.replace('  listen: 127.0.0.1:8080\n', '');
  assert.deepEqual(sentences(read({ file })), ['management.listen is missing: behind a proxy, say the address on which only the proxy reaches Mintmark, such as 127.0.0.1:8080.']);
});

test('an unknown variable is a fault, but not one that Kubernetes sets for a service of that name', () => {
  const links = { MINTMARK_SERVICE_HOST: '10.0.0.1', MINTMARK_SERVICE_PORT_HTTPS: '443', MINTMARK_PORT: 'tcp://10.0.0.1:443', MINTMARK_PORT_443_TCP_ADDR: '10.0.0.1', MINTMARK_ISSUER_SERVICE_PORT: '443' };
  assert.deepEqual(sentences(read({ environment: { ...links, MINTMARK_HOME: '/h', HOME: '/root', MINTMARK_LOGLEVEL: 'info' } })), ['MINTMARK_LOGLEVEL is no setting. Did you mean MINTMARK_LOG_LEVEL?']);
});

test('a file that holds no settings is told, without what is in it', () => {
  assert.deepEqual(read({ file: '- a list' }).faults[0], { about: 'm.yaml', problem: 'has no settings: a mapping of names to values is expected.' });
  const [fault] = read({ file: 'a: [hidden' }).faults;
  assert.match(`${fault!.about} ${fault!.problem}`, /^m\.yaml is no YAML: [^\n]* at line 1, column \d+\.$/);
  assert.doesNotMatch(fault!.problem, /hidden/);
});

test('what is shown of a value is read back as the same value', () => {
  for (const { setting, value } of read().shown) {
    const { kind } = rowOf(setting);
    assert.deepEqual(kind.show(kind.schema.parse(value)), value, setting);
  }
});

test('nothing is shown of a secret', () => {
  assert.equal(shownValue({ ...rowOf('store.file'), secret: true }, 'postgres://u:password@h'), '(hidden)');
  assert.equal(shownValue(rowOf('store.file'), '/a'), '/a');
});
