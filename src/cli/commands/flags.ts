/** Flags that several commands share, and how their values are read. */
import type { OptionSpec } from '../command.ts';
import { usageError } from '../errors.ts';
import type { Session } from '../session.ts';

/** What `GROUP` comes to. */
export interface GroupFlag {
  readonly resourceGroup: string;
}

export const GROUP: OptionSpec = { flags: '-g, --resource-group <name>', summary: 'Name of the resource group', required: true };

/** What `CLUSTER_FLAGS` come to. */
export interface ClusterFlags {
  readonly resourceGroup: string;
  readonly name: string;
}

export const CLUSTER_FLAGS: readonly OptionSpec[] = [
  GROUP,
  { flags: '-n, --name <name>', summary: 'Name of the managed cluster', required: true },
];

/** commander turns `--no-wait` into `wait: false`. */
export interface NoWaitFlag {
  readonly wait: boolean;
}

export const NO_WAIT: OptionSpec = { flags: '--no-wait', summary: 'Do not wait for the operation to end' };

export interface YesFlag {
  readonly yes?: boolean;
}

export const YES: OptionSpec = { flags: '-y, --yes', summary: 'Do not ask for confirmation' };

export interface RevokePreviousFlag {
  readonly revokePrevious?: true;
}

export interface TagsFlag {
  /** A value without `key=` is true when `--tags` stands alone. */
  readonly tags?: true | readonly string[];
}

export const TAGS: OptionSpec = { flags: '--tags [tags...]', summary: 'Tags, separated by spaces: key[=value] …; "" clears them' };

/** `a=b c` → `{ a: 'b', c: '' }`; an empty one clears. Undefined when the flag was not given. */
export function tagsOf({ tags }: TagsFlag): Readonly<Record<string, string>> | undefined {
  if (tags === undefined) return undefined;
  const given = tags === true ? [] : tags.filter((tag) => tag !== '');
  return Object.fromEntries(given.map((tag) => [tag.split('=', 1)[0]!, tag.slice(tag.split('=', 1)[0]!.length + 1)]));
}

/** A whole number from 0 (or `least`) on, up to `most` where there is one. @throws CommandError (2). */
export const wholeNumber = (flag: string, least = 0, most: number | null = null) => (text: string): number => {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= (most ?? Infinity)) return Number(text);
  const bounds = most === null ? (least === 0 ? '' : ` from ${least} on`) : ` from ${least} to ${most}`;
  throw usageError(`argument ${flag}: '${text}' is no whole number${bounds}.`);
};

export const port = (flag: string) => (text: string): number => {
  const number = wholeNumber(flag)(text);
  if (number <= 65_535) return number;
  throw usageError(`argument ${flag}: ${number} is no port; the highest is 65535.`);
};

export interface TenantFlag {
  readonly tenant?: string;
}

export const TENANT: OptionSpec = { flags: '--tenant <id>', summary: "Tenant; the profile's when left out" };

export const tenantOf = async (session: Pick<Session, 'profile'>, { tenant }: TenantFlag): Promise<string> => tenant ?? (await session.profile()).tenantId;
