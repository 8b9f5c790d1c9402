/**
 * Where settings come from: a YAML file, the environment, flags. Each gives entries, of which later sources win.
 *
 * Owns: the three forms and which names they know. Leaves to `read-settings.ts` what the values are worth.
 */
import { parseDocument } from 'yaml';
import { nearestName } from './nearest-name.ts';
import { isSettingPath, SETTING_PATHS, type SettingPath, variableOf } from './settings.ts';

/** Something wrong, said to the person who wrote it. */
export interface Fault {
  /** The setting, variable or file that it is about. */
  readonly about: string;
  /** A sentence that follows `about`. */
  readonly problem: string;
}

export interface Entry {
  readonly path: SettingPath;
  readonly value: unknown;
  /** What to show as its origin. */
  readonly from: string;
  /** The folder that a relative path in it starts from. */
  readonly base: string;
}

export interface SettingsFile {
  /** As the person wrote it. */
  readonly name: string;
  readonly folder: string;
  readonly text: string;
}

export interface Entries {
  readonly entries: readonly Entry[];
  readonly faults: readonly Fault[];
}

/** Variables of the program that are no settings. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['MINTMARK_HOME', 'MINTMARK_CONFIG', 'MINTMARK_FROM_SOURCE']);
/** What Kubernetes puts into the environment of every container beside a service whose name begins with `mintmark`. */
const SERVICE_LINK = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$/;

/** The settings of a YAML file; `management: { url: … }` and `management.url: …` are the same. */
export function entriesOfFile({ name, folder, text }: SettingsFile): Entries {
  const document = parseDocument(text);
  // The first line only: below it stands what the file has there.
  if (document.errors.length > 0) return { entries: [], faults: document.errors.map(({ message }) => ({ about: name, problem: `is no YAML: ${message.split('\n')[0]!.replace(/:$/, '')}.` })) };
  const content: unknown = document.toJS() ?? {};
  if (!isMapping(content)) return { entries: [], faults: [{ about: name, problem: 'has no settings: a mapping of names to values is expected.' }] };
  const [entries, faults]: [Entry[], Fault[]] = [[], []];
  for (const [found, value] of leaves(content, '')) {
    const fault = faultOfName(found, value, entries);
    if (fault === null) entries.push({ path: found as SettingPath, value, from: name, base: folder });
    else faults.push({ about: `${found} in ${name}`, problem: fault });
  }
  return { entries, faults };
}

const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every member that holds no others, with the path that leads to it. */
function leaves(mapping: Record<string, unknown>, above: string): readonly (readonly [path: string, value: unknown])[] {
  return Object.entries(mapping).flatMap(([member, value]) => {
    const path = `${above}${member}`;
    return isMapping(value) && !isSettingPath(path) ? leaves(value, `${path}.`) : [[path, value] as const];
  });
}

function faultOfName(name: string, value: unknown, before: readonly Entry[]): string | null {
  if (before.some(({ path }) => path === name)) return 'is there twice.';
  if (isSettingPath(name)) return null;
  const within = SETTING_PATHS.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
  if (within.length === 0) return unknown(name, SETTING_PATHS);
  return value === null ? 'is empty: leave it out.' : `has no value of its own; it holds ${within.join(', ')}.`;
}

function unknown(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return `is no setting.${nearest === null ? '' : ` Did you mean ${nearest}?`}`;
}

/** `MINTMARK_…`; an empty one counts as not set. */
export function entriesOfEnvironment(environment: NodeJS.ProcessEnv, base: string): Entries {
  const paths = new Map(SETTING_PATHS.map((path) => [variableOf(path), path]));
  const given = Object.entries(environment).filter(([name, value]) => name.startsWith('MINTMARK_') && value !== '' && !OTHER_VARIABLES.has(name));
  return {
    entries: given.filter(([name]) => paths.has(name)).map(([name, value]) => ({ path: paths.get(name)!, value, from: name, base })),
    faults: given.filter(([name]) => !paths.has(name) && !SERVICE_LINK.test(name)).map(([name]) => ({ about: name, problem: unknown(name, [...paths.keys()]) })),
  };
}

/** `--set PATH=VALUE`, of which the last of a path counts. */
export function entriesOfFlags(flags: readonly string[], base: string): Entries {
  const given = flags.map((flag) => ({ name: flag.split('=', 1)[0]!, value: flag.includes('=') ? flag.slice(flag.indexOf('=') + 1) : null }));
  const faultOf = ({ name, value }: (typeof given)[number]): string | null => {
    if (!isSettingPath(name)) return unknown(name, SETTING_PATHS);
    return value === null ? `has no value: write --set ${name}=VALUE.` : null;
  };
  return {
    entries: given.flatMap((flag) => (faultOf(flag) === null ? [{ path: flag.name as SettingPath, value: flag.value, from: '--set', base }] : [])),
    faults: given.flatMap((flag) => { const problem = faultOf(flag); return problem === null ? [] : [{ about: `--set ${flag.name}`, problem }]; }),
  };
}
