import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasTag, parseEqualities } from './filter.ts';

const MEMBERS = ['tagName', 'tagValue'] as const;

/** Filter → what it asks for; null: refused. */
const FILTERS: readonly (readonly [string | undefined, object | null])[] = [
  [undefined, {}],
  ['', {}],
  ['  ', {}],
  ["tagName eq 'env'", { tagName: 'env' }],
  ["  tagname  EQ  'env'  ", { tagName: 'env' }],
  ["tagname eq 'env' and tagvalue eq 'dev'", { tagName: 'env', tagValue: 'dev' }],
  ["tagValue eq '' AND tagName eq 'env'", { tagName: 'env', tagValue: '' }],
  ["tagValue eq 'R and D eq ''s' and tagName eq 'team'", { tagName: 'team', tagValue: "R and D eq 's" }],
  ["tagName eq 'env' and", null],
  ["tagName eq 'env' tagValue eq 'dev'", null],
  ["tagName eq 'env'andtagValue eq 'dev'", null],
  ["tagName eq 'env' or tagValue eq 'dev'", null],
  ["tagName eq 'a' and tagName eq 'b'", null],
  ["and tagName eq 'a'", null],
  ["name eq 'a'", null],
  ["toString eq 'a'", null],
  ["tagName ne 'a'", null],
  ['tagName eq a', null],
  ["tagName eq 'a", null],
  ["tagName eq 'a''", null],
  [`tagName eq '${'a'.repeat(601)}'`, null],
];

for (const [filter, expected] of FILTERS) {
  test(`$filter ${filter?.slice(0, 80) ?? 'left out'}: ${expected === null ? 'refused' : JSON.stringify(expected)}`, () => {
    if (expected !== null) assert.deepEqual(parseEqualities(filter, MEMBERS), expected);
    else assert.throws(() => parseEqualities(filter, MEMBERS), { code: 'InvalidQueryParameter', target: '$filter', message: "$filter is not understood. It is tagName or tagValue eq '…', each once, joined by 'and'." });
  });
}

const TAGS = { Env: 'dev', team: 'Platform' };
/** What is asked for → whether it is there. */
const TAG_FILTERS: readonly (readonly [Parameters<typeof hasTag>[0], boolean])[] = [
  [{}, true], [{ tagName: 'ENV' }, true], [{ tagName: 'env', tagValue: 'dev' }, true], [{ tagName: 'env', tagValue: 'Dev' }, false], [{ tagName: 'env', tagValue: 'Platform' }, false],
  [{ tagValue: 'Platform' }, true], [{ tagName: 'nothere' }, false], [{ tagName: 'toString' }, false], [{ tagName: 'env', tagValue: '' }, false],
];

for (const [asked, is] of TAG_FILTERS) test(`${JSON.stringify(asked)} is ${is ? '' : 'not '}among the tags`, () => assert.equal(hasTag(asked, TAGS), is));
