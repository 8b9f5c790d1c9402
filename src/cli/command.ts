/**
 * What a command is: data from which parsing, help, completion and the snapshot of all help are made.
 *
 * Owns: the shapes. Gives them to `command-tree.ts` (parsing) and `run.ts` (running). A command returns what it found;
 * it prints nothing on stdout itself, so that `--output` and `--query` hold for every one.
 */
import type { JsonValue } from './output/json-value.ts';
import type { Session } from './session.ts';

/** One flag. Its value's place in the options is its long name in camel case, as commander makes it. */
export interface OptionSpec {
  /** `-g, --resource-group <name>`. */
  readonly flags: string;
  readonly summary: string;
  readonly required?: boolean;
  /** The long name of another flag that means the same: of a required flag, one of the two is enough. */
  readonly sameAs?: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  /** Given several times, all values count. */
  readonly repeats?: boolean;
  /** Reads the value; never to null, which commander takes for no value. @throws CommandError with exit code 2. */
  readonly parse?: (text: string) => unknown;
  readonly hidden?: boolean;
}

/** What a command comes to. */
export interface Outcome {
  /** Printed by `--output`; undefined prints nothing. */
  readonly result?: JsonValue | undefined;
  /** Printed instead when neither `--output` nor `--query` is given. */
  readonly text?: string;
  /** Printed for `--output table` without `--query`: rows to be laid out, or finished lines. */
  readonly table?: { readonly rows: readonly Readonly<Record<string, JsonValue>>[] } | { readonly lines: readonly string[] };
  readonly exitCode?: number;
}

export interface Command {
  readonly examples: readonly string[];
  readonly options: readonly OptionSpec[];
  readonly argument?: { readonly name: string; readonly summary: string; readonly choices?: readonly string[] };
  /** A sentence for a flag that Azure CLI has here and Mintmark refuses; undefined for any other. */
  readonly refusal?: (flag: string) => string | undefined;
  run(session: Session, options: unknown, argument: string): Promise<Outcome>;
}

export interface Group {
  readonly commands: readonly Entry[];
}

/** A named place in the tree of commands. */
export interface Entry {
  readonly name: string;
  readonly alias?: string;
  readonly summary: string;
  readonly hidden?: boolean;
  /** Imports the module behind it, so that a command starts without the others. */
  load(): Promise<Command | Group>;
}

/** A command whose options are typed: the one place where what commander read becomes a type. */
export function command<Options>(spec: Omit<Command, 'run'> & { run(session: Session, options: Options, argument: string): Promise<Outcome> }): Command {
  return { ...spec, run: (session, options, argument) => spec.run(session, options as Options, argument) };
}

/** An entry whose command is there already. */
export const entry = (name: string, summary: string, body: Command | Group): Entry => ({ name, summary, load: async () => body });
