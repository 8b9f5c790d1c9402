/**
 * A small part of OData's `$filter`: that members equal texts, each once, joined by `and`. What is not understood is refused,
 * because a filter that is ignored gives more than was asked for.
 */
import { MintmarkError } from '../../domain/errors.ts';
import { assertResourceName, RESOURCE_GROUP_TYPE, resourceGroupId, subscriptionScope } from '../../domain/resource-id.ts';

/** One condition and what joins it to the next; an apostrophe in a text is written twice. */
const CONDITION = /\s*(\w+)\s+eq\s+'((?:[^']|''){0,600})'\s*(and\s(?=\s*\w)|$)/iy;

/** The texts by the members' names as `members` spells them; a request may spell them in any letter case. @throws MintmarkError `InvalidQueryParameter`. */
export function parseEqualities<Member extends string>(filter: string | undefined, members: readonly Member[]): Readonly<Partial<Record<Member, string>>> {
  const text = filter ?? '';
  const found = new Map<Member, string>();
  for (let at = 0, joined = text.trim() !== ''; joined;) {
    CONDITION.lastIndex = at;
    const [, name = '', value = '', join = ''] = CONDITION.exec(text) ?? [];
    const member = members.find((one) => one.toLowerCase() === name.toLowerCase());
    if (member === undefined || found.has(member)) throw refusal(members);
    found.set(member, value.replaceAll("''", "'"));
    [at, joined] = [CONDITION.lastIndex, join !== ''];
  }
  return Object.fromEntries(found) as Partial<Record<Member, string>>;
}

/** Where a list looks: in the group that its filter names, else in the whole subscription. @throws MintmarkError `InvalidResourceName`: no text may pose as less or more of a path. */
export const scopeOf = (subscriptionId: string, { resourceGroup }: { readonly resourceGroup?: string | undefined }): string =>
  resourceGroup === undefined ? subscriptionScope(subscriptionId) : resourceGroupId(subscriptionId, assertResourceName(RESOURCE_GROUP_TYPE, resourceGroup, '$filter'));

/** Members that ask for a tag, of resources and groups alike. */
export const TAG_MEMBERS = ['tagName', 'tagValue'] as const;

/** Whether one of the tags is the one asked for. As in Azure, the name's letter case does not count, and the value's does. */
export function hasTag({ tagName, tagValue }: Readonly<Partial<Record<(typeof TAG_MEMBERS)[number], string>>>, tags: Readonly<Record<string, string>>): boolean {
  if (tagName === undefined && tagValue === undefined) return true;
  return Object.entries(tags).some(([name, value]) => (tagName === undefined || name.toLowerCase() === tagName.toLowerCase()) && (tagValue === undefined || value === tagValue));
}

const refusal = (members: readonly string[]): MintmarkError =>
  new MintmarkError('InvalidQueryParameter', `$filter is not understood. It is ${members.join(' or ')} eq '…', each once, joined by 'and'.`, { target: '$filter' });
