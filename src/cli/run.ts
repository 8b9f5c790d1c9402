/**
 * The command line: reads a line, runs its command, prints the result, gives the exit code of Azure CLI.
 *
 * Owns: the order of these steps. Gets its streams and the commands that run a server from `main.ts`. Everything that a
 * line does not need is imported only by the lines that need it.
 */
import type { Outcome } from './command.ts';
import { CommandError, failure } from './errors.ts';
import { type Globals, takeGlobals } from './globals.ts';
import { printableLines } from './output/printable.ts';
import { createReport } from './report.ts';
import type { Io } from './session.ts';

/** 0 done, 1 the server or this machine refused, 2 bad arguments, 3 not found. Never throws. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  io.stdout.on('error', ignoreClosedPipe);
  try {
    if (argv[0] === 'complete') return await complete(argv.slice(1));
    const { globals, rest } = takeGlobals(argv);
    if (rest[0] === '--version' || rest[0] === '-v') return await printVersion(io);
    return await runLine(rest, globals, io);
  } catch (error) {
    return printError(error, argv, io);
  }
}

async function runLine(line: readonly string[], globals: Globals, io: Io): Promise<number> {
  const [{ readLine }, { FAMILIES }] = await Promise.all([import('./command-tree.ts'), import('./families.ts')]);
  const chosen = await readLine(FAMILIES, line, (help) => io.stdout.write(help));
  if (chosen === null) return 0;
  const query = globals.query === null ? null : await (await import('./output/query.ts')).parseQuery(globals.query);
  const { createSession } = await import('./session.ts');
  const session = createSession(io, globals);
  try {
    const outcome = await chosen.command.run(session, chosen.options, chosen.argument);
    if (hasOutput(outcome)) {
      const { formatted } = await import('./output/format.ts');
      io.stdout.write(await formatted(outcome, globals, query, { terminal: io.stdout.isTTY === true, colour: wantsColour(io) }));
    }
    return outcome.exitCode ?? 0;
  } finally {
    session.close();
  }
}

const hasOutput = ({ result, text }: Outcome): boolean => result !== undefined || text !== undefined;

const wantsColour = ({ stdout, stderr, env }: Io): boolean => stdout.isTTY === true && stderr.isTTY === true && !env['NO_COLOR'];

async function printVersion(io: Io): Promise<number> {
  const { versionText } = await import('./commands/version.ts');
  io.stdout.write(versionText());
  return 0;
}

/** What a shell's completion script asks for: `complete -- WORDS`. */
async function complete(words: readonly string[]): Promise<number> {
  const [{ default: tab }, { buildWholeTree }, { FAMILIES }] = await Promise.all([import('@bomb.sh/tab/commander'), import('./command-tree.ts'), import('./families.ts')]);
  tab(await buildWholeTree(FAMILIES)).parse(words[0] === '--' ? words.slice(1) : [...words]);
  return 0;
}

function printError(error: unknown, argv: readonly string[], io: Io): number {
  const known = error instanceof CommandError ? error : failure(unforeseen(error));
  createReport({ onlyShowErrors: false, verbose: false, debug: false }, (text) => io.stderr.write(text)).error(known.message);
  if (known !== error && argv.includes('--debug')) io.stderr.write(printableLines(`${(error as Error).stack}\n`));
  return known.exitCode;
}

/** A refusal of the server part that runs in this process (`dev`) has a code; anything else is a fault of Mintmark. */
function unforeseen(error: unknown): string {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  return name === 'MintmarkError' ? `(${String(code)}) ${String(message)}` : `Mintmark failed in a way that it did not foresee: ${String(message ?? error)}. Add --debug to see where.`;
}

/** A reader that has seen enough, such as `head`, is no error. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
