/**
 * All help, as people see it, against `help.snapshot.txt`. After a change that is wanted:
 * `node --test --test-update-snapshots src/cli/help.test.ts`.
 */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import type { Entry } from './command.ts';
import { FAMILIES } from './families.ts';
import { runLine } from '../../test/support/command-line.ts';

const SNAPSHOT = fileURLToPath(new URL('help.snapshot.txt', import.meta.url));

async function linesOf(entries: readonly Entry[], above: readonly string[]): Promise<readonly (readonly string[])[]> {
  const below = await Promise.all(entries.map(async (entry) => {
    const line = [...above, entry.name];
    const body = await entry.load();
    return [line, ...('commands' in body ? await linesOf(body.commands, line) : [])];
  }));
  return below.flat();
}

test('the help of every command', async (t) => {
  const pages: string[] = [];
  for (const line of [[], ...(await linesOf(FAMILIES, []))]) {
    const { code, stdout, stderr } = await runLine([...line, '--help']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /Examples?:|For example:/, line.join(' '));
    pages.push(`$ mintmark ${[...line, '--help'].join(' ')}\n${stdout}`);
  }
  t.assert.fileSnapshot(pages.join('\n'), SNAPSHOT, { serializers: [String] });
});

test('a line without words is the help', async () => {
  const [bare, help] = [await runLine([]), await runLine(['--help'])];
  assert.deepEqual(bare, help);
});
