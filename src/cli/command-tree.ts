/**
 * The command tree for commander: parsing and help from the entries of `command.ts`.
 *
 * Gives the command that a line asks for with its options. Its errors are `CommandError`s in Azure CLI's words.
 */
import { Command as Commander, CommanderError, Option } from 'commander';
import type { Command, Entry, Group, OptionSpec } from './command.ts';
import { type CommandError, usageError } from './errors.ts';
import { GLOBAL_OPTIONS } from './globals.ts';

/** What a line asks for. */
export interface Chosen {
  readonly command: Command;
  readonly options: unknown;
  readonly argument: string;
}

interface Building {
  /** Which entries are loaded with all that is below them; the others are names only. */
  readonly loads: (entry: Entry) => boolean;
  readonly choose: (chosen: Chosen) => void;
}

const HELP_WIDTH = 110;
const ABOUT = 'Mintmark: an OpenID Connect issuer for the Kubernetes clusters that you run yourself.';

/**
 * Reads a line without its global flags. Null when help was asked for and `write` was given it.
 * @throws CommandError (2).
 */
export async function readLine(entries: readonly Entry[], line: readonly string[], write: (help: string) => void): Promise<Chosen | null> {
  let chosen: Chosen | null = null;
  const program = await buildTree(entries, write, { loads: ({ name, alias }) => line.length > 0 && (line[0] === name || line[0] === alias), choose: (found) => { chosen = found; } });
  try {
    if (line.length === 0) program.outputHelp();
    else program.parse(line, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw inAzureWords(error);
  }
  return chosen;
}

/** The whole tree, every module loaded: for completion and for the snapshot of all help. */
export const buildWholeTree = (entries: readonly Entry[]): Promise<Commander> => buildTree(entries, () => undefined, { loads: () => true, choose: () => undefined });

async function buildTree(entries: readonly Entry[], write: (help: string) => void, building: Building): Promise<Commander> {
  const program = new Commander('mintmark').description(ABOUT).helpCommand(false).helpOption('-h, --help', 'Show this help');
  program.configureOutput({ writeOut: write, writeErr: () => undefined, getOutHelpWidth: () => HELP_WIDTH, getErrHelpWidth: () => HELP_WIDTH, getOutHasColors: () => false, getErrHasColors: () => false });
  program.configureHelp({ subcommandTerm: (place) => [place.name(), ...place.aliases()].join(', ') });
  // A command may have a --version of its own.
  program.exitOverride().enablePositionalOptions().option('-v, --version', 'Show the version');
  for (const entry of entries) await addEntry(program, entry, building);
  return program.addHelpText('after', examplesText(['mintmark aks create --resource-group myResourceGroup --name myAKSCluster --enable-oidc-issuer', 'mintmark issuer show --resource-group myResourceGroup --name myAKSCluster --watch']));
}

async function addEntry(parent: Commander, entry: Entry, building: Building): Promise<void> {
  const place = parent.command(entry.name, { hidden: entry.hidden === true }).description(entry.summary).helpCommand(false);
  if (entry.alias !== undefined) place.alias(entry.alias);
  if (!building.loads(entry)) return void place.action(() => undefined);
  const body = await entry.load();
  if ('commands' in body) await addGroup(place, body, building);
  else addCommand(place, body, building);
}

async function addGroup(place: Commander, { commands }: Group, building: Building): Promise<void> {
  place.exitOverride((error) => { throw error.code === 'commander.help' ? usageError(`'${pathOf(place)}' needs one of its commands: ${names(commands)}. See '${pathOf(place)} --help'.`) : error; });
  for (const child of commands) await addEntry(place, child, { ...building, loads: () => true });
  place.addHelpText('after', `\nSee '${pathOf(place)} COMMAND --help' for the flags of a command. For example:\n  ${pathOf(place)} ${commands[0]!.name} --help`);
}

function addCommand(place: Commander, body: Command, { choose }: Building): void {
  for (const spec of body.options) place.addOption(optionOf(spec));
  for (const spec of GLOBAL_OPTIONS) place.addOption(optionOf(spec).helpGroup('Global options:'));
  if (body.argument !== undefined) place.argument(`<${body.argument.name}>`, `${body.argument.summary}${body.argument.choices === undefined ? '' : `: ${body.argument.choices.join(', ')}`}`);
  place.exitOverride((error) => { throw refused(error, body) ?? error; });
  place.addHelpText('after', examplesText(body.examples));
  place.action(() => {
    assertRequired(place, body);
    choose({ command: body, options: place.opts(), argument: String(place.processedArgs[0] ?? '') });
  });
}

function optionOf({ flags, summary, required, choices, repeats, parse, hidden }: OptionSpec): Option {
  const option = new Option(flags, required === true ? `${summary} [Required]` : summary).hideHelp(hidden === true);
  if (choices !== undefined) option.choices(choices);
  if (parse !== undefined) option.argParser((text) => parse(text));
  if (repeats === true) option.argParser((text, former: readonly string[] | undefined) => [...(former ?? []), text]);
  return option;
}

function assertRequired(place: Commander, { options }: Command): void {
  const needed = options.filter((spec) => spec.required === true).map((spec) => [optionOf(spec), ...place.options.filter(({ long }) => spec.sameAs !== undefined && long === spec.sameAs)]);
  const missing = needed.filter((ways) => ways.every((option) => place.getOptionValue(option.attributeName()) === undefined));
  if (missing.length > 0) throw usageError(`the following arguments are required: ${missing.map((ways) => ways.map(flagNames).join('/')).toSorted().join(', ')}`);
}

/** `--name/-n`. */
const flagNames = ({ long, short }: Option): string => [long, short].filter((name) => name !== undefined).join('/');

const names = (commands: readonly Entry[]): string => commands.map(({ name }) => name).join(', ');
const examplesText = (examples: readonly string[]): string => `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`;

function pathOf(place: Commander): string {
  return place.parent === null ? place.name() : `${pathOf(place.parent)} ${place.name()}`;
}

/** The refusal of a flag that Azure CLI has and this command has not. */
function refused(error: CommanderError, { refusal }: Command): CommandError | undefined {
  const flag = error.code === 'commander.unknownOption' ? /'([^']+)'/.exec(error.message)?.[1] : undefined;
  const sentence = flag === undefined ? undefined : refusal?.(flag);
  return sentence === undefined ? undefined : usageError(sentence);
}

/** commander's error → the words of Azure CLI. */
const WORDS: Readonly<Record<string, (quoted: string) => string>> = {
  'commander.unknownOption': (flag) => `unrecognized arguments: ${flag}`,
  'commander.unknownCommand': (word) => `'${word}' is misspelled or not recognized by the system.`,
  'commander.optionMissingArgument': (flags) => `argument ${flags.replace(/^(-\w), (--[\w-]+).*$/, '$2/$1').replace(/ <.*$/, '')}: expected one argument`,
};

function inAzureWords({ code, message }: CommanderError): CommandError {
  const [first = '', ...rest] = message.replace(/^error: /, '').split('\n');
  const words = WORDS[code]?.(/'([^']+)'/.exec(first)?.[1] ?? '') ?? first;
  const meant = /Did you mean (?:one of )?(.+)\?/.exec(rest.join(' '))?.[1];
  return usageError(meant === undefined ? words : `${words}\nDid you mean '${meant.replaceAll(', ', "' or '")}'?`);
}
