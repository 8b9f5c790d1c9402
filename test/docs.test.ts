/**
 * What is written for people, against the program: the error catalogue, the command lines that the pages show, the table
 * of commands and flags, links, and that no file tells where it was made.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import type { Command } from 'commander';
import { buildWholeTree } from '../src/cli/command-tree.ts';
import { FAMILIES } from '../src/cli/families.ts';
import { GLOBAL_OPTIONS } from '../src/cli/globals.ts';
import { openHome } from '../src/dev/home.ts';
import { ERROR_CATALOGUE } from '../src/domain/errors.ts';
import { STATUS } from '../src/http/management/errors.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const isPage = (file: string): boolean => file.endsWith('.md');
const PAGES = [...readdirSync(ROOT).filter(isPage), ...['docs', 'bench', 'examples'].flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter(isPage).map((file) => join(folder, file)))];
const tree = await buildWholeTree(FAMILIES);

interface Page {
  /** Lines inside of fences, continued ones joined. */
  readonly fenced: readonly string[];
  /** Everything else. */
  readonly prose: string;
}

function pageOf(text: string): Page {
  const parts = text.split(/^ *```[^\n]*\n/m);
  const inFences = parts.filter((_, at) => at % 2 === 1).join('\n').replaceAll(/\\\n\s*/g, ' ');
  return { fenced: inFences.split('\n'), prose: parts.filter((_, at) => at % 2 === 0).join('\n') };
}

const cellsOf = (row: string): readonly string[] => row.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim());
const tableRows = (text: string): readonly (readonly string[])[] => text.split('\n').filter((line) => line.startsWith('| ')).map(cellsOf);

test('docs/errors.md is the catalogue: every code, its status and its meaning', () => {
  const listed = tableRows(pageOf(read('docs/errors.md')).prose).filter(([code]) => /^`[A-Z]\w+`$/.test(code!)).map(([code, status, meaning]) => [code, status, meaning]);
  const known = Object.entries(ERROR_CATALOGUE).map(([code, meaning]) => [`\`${code}\``, String(STATUS[code as keyof typeof STATUS].status), meaning]);
  assert.deepEqual(listed, known);
});

/** The words of one of our command lines, without the program; null for anything else. */
function ourWords(text: string): readonly string[] | null {
  const line = text.trim().replace(/^\$ /, '').replace(/^(?:\w+=("[^"]*"|\S*) +)*/, '').replace(/^runuser -u \w+ -- (?:\/\S*\/bin\/(?=mintmark ))?/, '').replace(/^npm start -- /, 'mintmark dev ');
  const program = /^(?:az|mintmark|bin\/mintmark|npx mintmark)(?: +|$)/.exec(line)?.[0];
  return program === undefined ? null : line.slice(program.length).replaceAll(/"[^"]*"|'[^']*'/g, 'QUOTED').split(/\s+/).filter((word) => word !== '');
}

/** The simple commands of a line of a shell: what stands between pipes, lists and parentheses. */
const simpleCommands = (line: string): readonly string[] => line.replaceAll(/"\$\(/g, '$(').replaceAll(/"[^"$]*"|'[^']*'/g, (quoted) => quoted.replaceAll(/[|&;()#]/g, '_')).replace(/(^| )#.*$/, '').split(/\|\|?|&&|;|\$\(|<\(|\)/);

/** The command that words name, and the words after its name. */
function resolveCommand(words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } {
  let command: Command = tree;
  let at = 0;
  for (; at < words.length; at += 1) {
    const next = command.commands.find((candidate) => [candidate.name(), ...candidate.aliases()].includes(words[at]!));
    if (next === undefined) break;
    command = next;
  }
  return { command, rest: words.slice(at) };
}

const GLOBAL_FLAGS = GLOBAL_OPTIONS.flatMap(({ flags }) => flags.match(/--?[\w-]+/g) ?? []);
const flagsOf = (command: Command): readonly string[] => [...command.options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined && flag !== null), ...GLOBAL_FLAGS, '-h', '--help'];

/** What is wrong with a command line; null when it names a command and only flags that it has. */
function faultOf(words: readonly string[]): string | null {
  const { command, rest } = resolveCommand(words);
  if (command === tree && rest[0] !== undefined && !rest[0].startsWith('-')) return `there is no command '${rest[0]}'`;
  const isGroup = command !== tree && command.commands.length > 0;
  if (isGroup && !rest.some((word) => word === '--help')) return `'${command.name()}' needs one of its commands`;
  const known = flagsOf(command);
  const unknown = rest.filter((word) => /^--?[a-z]/i.test(word)).map((word) => word.replace(/=.*$/, '')).filter((flag) => !known.includes(flag));
  return unknown.length === 0 ? null : `'${command.name()}' has no ${unknown.join(', ')}`;
}

const shownLines = ({ fenced, prose }: Page): readonly string[] => [
  ...fenced.flatMap(simpleCommands),
  ...[...prose.matchAll(/`((?:az|mintmark) [a-z-][^`]*)`/g)].map(([, line]) => line!),
];

/** Where `az` is Azure CLI itself; `test/e2e/azure-cli.test.ts` runs what it shows. */
const AZURE_PAGE = 'docs/azure-cli.md';

test('every command line that a page shows names a command and flags that exist', () => {
  const shown = PAGES.flatMap((file) => shownLines(pageOf(read(file))).map((line) => ({ file, line, words: ourWords(line) })));
  const ours = shown.filter(({ file, line, words }) => words !== null && !(file === AZURE_PAGE && line.trim().startsWith('az ')));
  assert.ok(ours.length > 40, `command lines were found: ${ours.length}`);
  assert.deepEqual(ours.map(({ file, line, words }) => [file, line.trim(), faultOf(words!)]).filter(([, , fault]) => fault !== null), []);
});

test('wrong command lines would be found', () => {
  const faults = ['az aks crate -g a', 'az aks create --nodes 3', 'az aks', 'X=1 az issuer rotate --fast', 'az --quiet', 'runuser -u a -- /opt/b/bin/mintmark config look', 'runuser -u a -- mintmark serve --fast', 'npm start -- --port 1'].map((line) => faultOf(ourWords(line)!));
  assert.deepEqual(faults, ["'aks' needs one of its commands", "'create' has no --nodes", "'aks' needs one of its commands", "'rotate' has no --fast", "'mintmark' has no --quiet", "'config' needs one of its commands", "'serve' has no --fast", "'dev' has no --port"]);
  assert.deepEqual(simpleCommands('A=$(az x --query "[?a | b]") && echo "$A" | az y').filter((part) => ourWords(part) !== null).map((part) => part.trim()), ['az x --query "[?a _ b]"', 'az y']);
});

function leaves(command: Command, above: readonly string[] = []): readonly { readonly path: string; readonly command: Command }[] {
  return command.commands.flatMap((child) => {
    const path = [...above, child.name()];
    return child.commands.length === 0 ? [{ path: path.join(' '), command: child }] : leaves(child, path);
  });
}

/** What docs/command-line.md says of a command: its row, and the prose of its section. */
function documented(path: string): { readonly row: string; readonly prose: string } {
  const sections = pageOf(read('docs/command-line.md')).prose.split(/^### /m);
  const found = sections.flatMap((section) => tableRows(section).filter(([names]) => names!.split(', ').includes(`\`${path}\``)).map((row) => ({ row: row.join(' '), prose: section.split('\n').filter((line) => !line.startsWith('|')).join(' ') })));
  assert.equal(found.length, 1, `docs/command-line.md has one row for '${path}'`);
  return found[0]!;
}

test('docs/command-line.md has every command with all its flags, and no others', () => {
  for (const { path, command } of leaves(tree)) {
    const { row, prose } = documented(path);
    const named = (text: string): readonly string[] => text.match(/(?<![\w-])--?[a-z][\w-]*/gi) ?? [];
    const own = command.options.filter(({ hidden, long }) => !hidden && !GLOBAL_FLAGS.includes(long ?? ''));
    const missing = own.filter(({ long, short }) => ![...named(row), ...named(prose)].some((flag) => flag === long || flag === short)).map(({ long }) => long);
    assert.deepEqual({ path, missing, unknown: named(row).filter((flag) => ![...flagsOf(command), ...flagsOf(tree)].includes(flag)) }, { path, missing: [], unknown: [] });
  }
});

test('docs/command-line.md names every command that asks, and no others', () => {
  const section = pageOf(read('docs/command-line.md')).prose.split(/^## /m).find((text) => text.startsWith('Questions'))!;
  const named = [...section.matchAll(/`([a-z][a-z -]*?)(?: --[a-z]+)?`/g)].map(([, path]) => path!);
  const asking = leaves(tree).filter(({ command }) => command.options.some(({ long }) => long === '--yes')).map(({ path }) => path);
  assert.deepEqual(named.toSorted(), asking.toSorted());
});

test('docs/getting-started.md says what each file of a home is', async () => {
  const home = await openHome(mkdtempSync(join(tmpdir(), 'home-')));
  home.release();
  const files = Object.values(home).filter((value): value is string => typeof value === 'string' && value.startsWith(`${home.dir}/`)).map((file) => basename(file));
  assert.ok(files.includes('profile.json'));
  rmSync(home.dir, { recursive: true });
  const said = tableRows(pageOf(read('docs/getting-started.md')).prose).map(([names]) => names!).join(' ');
  assert.deepEqual(files.filter((file) => !said.includes(`\`${file}\``)), []);
});

/** GitHub's name for a heading. */
const anchorOf = (heading: string): string => heading.trim().toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
const anchorsIn = (file: string): readonly string[] => [...pageOf(readFileSync(file, 'utf8')).prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));

function leadsNowhere(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(ROOT, file) : resolve(ROOT, dirname(file), path);
  if (relative(ROOT, target).startsWith('..') || !existsSync(target)) return true;
  return anchor !== undefined && !anchorsIn(target).includes(anchor);
}

test('every relative link leads somewhere', () => {
  const links = PAGES.flatMap((file) => [...pageOf(read(file)).prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => ({ file, link: link! }))).filter(({ link }) => !/^[a-z]+:/.test(link));
  assert.ok(links.length > 20, `links were found: ${links.length}`);
  assert.deepEqual(links.filter(({ file, link }) => leadsNowhere(file, link)), []);
  assert.ok(leadsNowhere('README.md', 'docs/nowhere.md') && leadsNowhere('README.md', 'docs/concepts.md#nowhere'), 'a wrong link would be found');
});

/** Put together here, so that this file does not hold what it looks for. */
const INTERNAL: readonly RegExp[] = [
  new RegExp(['\\.\\.', 'shared'].join('/')),
  new RegExp(`(?<![\\w.])/${'work'}/`),
  new RegExp(`${'npm'}js\\.(?:org|com)|//[\\w.-]*${'regis'}try[\\w.-]*\\.[a-z]|${'artifac'}tory|_auth(?:Token)?=`, 'i'),
];

test('no tracked file tells where or how it was made', (t) => {
  if (!existsSync(join(ROOT, '.git'))) return t.skip('not a git checkout');
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter((file) => file !== '' && existsSync(join(ROOT, file)));
  assert.ok(tracked.length > 100, `files were found: ${tracked.length}`);
  const telling = tracked.flatMap((file) => INTERNAL.filter((pattern) => pattern.test(read(file))).map((pattern) => `${file}: ${pattern.source}`));
  assert.deepEqual(telling, []);
});
