import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeGlobals } from './globals.ts';

const none = { output: null, query: null, subscription: null, onlyShowErrors: false, verbose: false, debug: false };

test('global flags are taken from anywhere, in any spelling', () => {
  const rows = [
    [['-o', 'tsv', 'aks', 'show'], { output: 'tsv' }, ['aks', 'show']],
    [['aks', '-otable', 'show'], { output: 'table' }, ['aks', 'show']],
    [['aks', 'show', '--output=JSON'], { output: 'json' }, ['aks', 'show']],
    [['aks', 'show', '--query', '-x'], { query: '-x' }, ['aks', 'show']],
    [['--query=a=b', 'aks'], { query: 'a=b' }, ['aks']],
    [['--debug', 'aks', '--only-show-errors', '--subscription', 's'], { debug: true, verbose: true, onlyShowErrors: true, subscription: 's' }, ['aks']],
    [['aks', 'show', '-n', 'constructor'], {}, ['aks', 'show', '-n', 'constructor']],
  ] as const;
  for (const [argv, globals, rest] of rows) assert.deepEqual(takeGlobals(argv), { globals: { ...none, ...globals }, rest });
});

test('a missing or unknown value is a bad argument', () => {
  assert.throws(() => takeGlobals(['aks', '-o']), { exitCode: 2, message: 'argument --output/-o: expected one argument' });
  assert.throws(() => takeGlobals(['aks', '-o', 'xml']), { exitCode: 2, message: "'xml' is not a valid value for '--output'. Allowed values: json, jsonc, yaml, yamlc, table, tsv, none." });
});
