import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { Outcome } from '../command.ts';
import type { OutputFormat } from '../globals.ts';
import { formatted } from './format.ts';
import type { JsonValue } from './json-value.ts';
import { parseQuery } from './query.ts';

const object = { name: 'c', id: '/x', enabled: true, count: 3, none: null, tags: { b: '2', a: '1' }, list: ['x', 'z'] };

const FILE = { terminal: false, colour: false } as const;
const TERMINAL = { terminal: true, colour: false } as const;

/** Format, result, query, exact text. */
const ROWS: readonly (readonly [OutputFormat, JsonValue, string | null, string])[] = [
  ['json', object, null, '{\n  "count": 3,\n  "enabled": true,\n  "id": "/x",\n  "list": [\n    "x",\n    "z"\n  ],\n  "name": "c",\n  "none": null,\n  "tags": {\n    "a": "1",\n    "b": "2"\n  }\n}\n'],
  ['json', [], null, '[]\n'],
  ['json', 'ä"', null, '"ä\\""\n'],
  ['json', object, 'tags', '{\n  "a": "1",\n  "b": "2"\n}\n'],
  ['json', object, 'missing', ''],
  ['jsonc', { a: 1 }, null, '{\n  "a": 1\n}\n'],
  ['yaml', object, null, "count: 3\nenabled: true\nid: /x\nlist:\n- x\n- z\nname: c\nnone: null\ntags:\n  a: '1'\n  b: '2'\n"],
  ['yaml', object, 'missing', ''],
  ['yamlc', { a: 'yes' }, null, "a: 'yes'\n"],
  ['tsv', 'https://i/', null, 'https://i/\n'],
  ['tsv', object, 'name', 'c\n'],
  ['tsv', object, 'enabled', 'true\n'],
  ['tsv', object, 'missing', '\n'],
  ['tsv', object, 'list', 'x\nz\n'],
  ['tsv', [], null, ''],
  ['tsv', object, null, '3\tTrue\t/x\t2\tc\tNone\t\n'],
  ['tsv', [object], '[].{second: name, first: count}', 'c\t3\n'],
  ['tsv', [object], '[].[name, none, tags, enabled]', 'c\tNone\t\tTrue\n'],
  ['table', object, null, 'Count    Enabled    Name\n-------  ---------  ------\n3        True       c\n'],
  ['table', [object], '[].{Second: name, First: none, third: enabled}', 'Second    Third\n--------  -------\nc         True\n'],
  ['table', [{ a: 'long enough' }, { b: 1 }], null, 'A            B\n-----------  ---\nlong enough\n             1\n'],
  ['table', ['x', 'y'], null, 'Result\n--------\nx\ny\n'],
  ['table', [['x', null]], null, 'Column1    Column2\n---------  ---------\nx          None\n'],
  ['table', [], null, '\n'],
  ['none', object, null, ''],
];

for (const [output, result, expression, text] of ROWS) {
  test(`${output} of ${JSON.stringify(result).slice(0, 30)}${expression === null ? '' : ` by ${expression}`}`, async () => {
    const query = expression === null ? null : await parseQuery(expression);
    assert.equal(await formatted({ result }, { output }, query, FILE), text);
  });
}

test('a command may give its own table, which a query replaces', async () => {
  const rows: Outcome = { result: [{ a: 1 }], table: { rows: [{ second: 'x', first: 'y' }] } };
  assert.equal(await formatted(rows, { output: 'table' }, null, FILE), 'Second    First\n--------  -------\nx         y\n');
  assert.equal(await formatted(rows, { output: 'table' }, await parseQuery('[]'), FILE), 'A\n---\n1\n');
  assert.equal(await formatted({ result: {}, table: { lines: ['one', 'two'] } }, { output: 'table' }, null, FILE), 'one\ntwo\n');
});

test('a text is printed only when neither a format nor a query is asked for', async () => {
  const outcome: Outcome = { result: { token: 't' }, text: 't\n' };
  assert.equal(await formatted(outcome, { output: null }, null, FILE), 't\n');
  assert.equal(await formatted(outcome, { output: null }, await parseQuery('token'), FILE), '"t"\n');
  assert.equal(await formatted(outcome, { output: 'tsv' }, null, FILE), 't\n');
});

test('colours are for terminals', async () => {
  assert.equal(await formatted({ result: { a: 'b', c: 1 } }, { output: 'jsonc' }, null, { terminal: true, colour: true }), '{\n  \u001B[34m"a"\u001B[39m: \u001B[32m"b"\u001B[39m,\n  \u001B[34m"c"\u001B[39m: \u001B[36m1\u001B[39m\n}\n');
  assert.equal(await formatted({ result: { a: { b: 'c' } } }, { output: 'yamlc' }, null, { terminal: true, colour: true }), '\u001B[34ma\u001B[39m:\n  \u001B[34mb\u001B[39m: c\n');
});

/** A row, an escape sequence, DEL, C1's form of one, an override of the direction, an isolate. */
const HOSTILE = 'a\nb\tc\u001B[2J\u007F\u009B2J\u202Ed\u2066e';
const SHOWN = 'a\\nb\\tc\\u001b[2J\\u007f\\u009b2J\\u202ed\\u2066e';

test('a table shows what would steer a terminal, in cells and in names', async () => {
  const width = SHOWN.length;
  const text = `${SHOWN.toUpperCase().slice(0, 1)}${SHOWN.slice(1)}\n${'-'.repeat(width + 2)}\n${SHOWN}\n`;
  assert.equal(await formatted({ result: { [HOSTILE]: HOSTILE } }, { output: 'table' }, null, FILE), text);
  assert.equal(await formatted({ result: [HOSTILE] }, { output: 'table' }, null, FILE), `Result\n${'-'.repeat(width)}\n${SHOWN}\n`);
  assert.equal(await formatted({ result: {}, table: { lines: [HOSTILE] } }, { output: 'table' }, null, FILE), `${SHOWN}\n`);
});

test('tsv is raw for programs and harmless on a terminal', async () => {
  assert.equal(await formatted({ result: [[HOSTILE, 'x']] }, { output: 'tsv' }, null, FILE), `${HOSTILE}\tx\n`);
  assert.equal(await formatted({ result: [[HOSTILE, 'x']] }, { output: 'tsv' }, null, TERMINAL), `${SHOWN}\tx\n`);
});

test('a text is raw for programs; on a terminal only its lines and tabs are', async () => {
  const outcome: Outcome = { result: {}, text: `${HOSTILE}\n` };
  assert.equal(await formatted(outcome, { output: null }, null, FILE), `${HOSTILE}\n`);
  assert.equal(await formatted(outcome, { output: null }, null, TERMINAL), 'a\nb\tc\\u001b[2J\\u007f\\u009b2J\\u202ed\\u2066e\n');
});

test('JSON and YAML have it as escapes, which mean the same', async () => {
  for (const output of ['json', 'jsonc'] as const) assert.equal(await formatted({ result: HOSTILE }, { output }, null, FILE), `"${SHOWN}"\n`);
  for (const output of ['yaml', 'yamlc'] as const) {
    const result = { [HOSTILE]: HOSTILE, 'key\u202E': 'value\u202E', lines: 'a\nb' };
    const text = await formatted({ result }, { output }, null, FILE);
    assert.doesNotMatch(text, /[^\P{Cc}\n]|[\u202E\u2066]/u);
    assert.deepEqual(parse(text, { version: '1.1' }), result);
    assert.match(text, /^lines: \|-\n {2}a\n {2}b$/m);
  }
});

test('a query that can not be read or applied is a bad argument', async () => {
  await assert.rejects(parseQuery('[['), { name: 'CommandError', exitCode: 2, message: /^argument --query: invalid jmespath_type value: '\[\['/ });
  const query = await parseQuery('length(@)');
  assert.throws(() => query(1), { name: 'CommandError', exitCode: 2 });
});
