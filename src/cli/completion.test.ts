/** Completion in a process of its own, because it writes to the process's standard output. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const RUN = fileURLToPath(new URL('run.ts', import.meta.url));
const SCRIPT = `const { run } = await import(${JSON.stringify(RUN)});
const { stdin, stdout, stderr, env } = process;
process.exitCode = await run(process.argv.slice(1), { stdin, stdout, stderr, env, commands: {} });`;

const output = (...line: readonly string[]): string => execFileSync(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', ...line], { encoding: 'utf8' });
const suggested = (...words: readonly string[]): readonly string[] => output('complete', '--', ...words).split('\n').filter((line) => line !== '' && !line.startsWith(':')).map((line) => line.split('\t')[0]!);

test('commands, flags and values are suggested', () => {
  assert.deepEqual(suggested('to'), ['token']);
  assert.deepEqual(suggested('aks', 'oidc-issuer', ''), ['rotate-signing-keys']);
  assert.deepEqual(suggested('issuer', 'rotate', '--em'), ['--emergency']);
  assert.deepEqual(suggested('aks', 'list', '--output', 't'), ['table', 'tsv']);
});

test('each shell has its script', () => {
  for (const [shell, mark] of [['bash', /complete .*mintmark/], ['zsh', /#compdef mintmark/], ['fish', /complete -c mintmark/]] as const) assert.match(output('completion', shell), mark);
});
