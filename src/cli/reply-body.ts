/** A reply as a Mintmark server gives it: a JSON object; beside the https client, so that commands which never connect start without it. */
import { failure } from './errors.ts';
import type { Reply } from './https-exchange.ts';

/** The JSON object of a reply. @throws CommandError (1) when it is none. */
export function bodyOf<Body>(reply: { readonly body: string }): Body {
  const body = parsed(reply.body);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw noMintmark('JSON that is not an object');
  return body as Body;
}

/** Redirects are not followed: what was sent is for the endpoint of the profile. @throws CommandError (1). */
export function assertNoRedirect({ status, headers }: Reply): void {
  if (status >= 300 && status < 400) throw noMintmark(`a redirect (${status}${headers.location === undefined ? '' : ` to ${headers.location}`}), which is not followed`);
}

/** What a reply that no Mintmark server gives comes to. */
export const noMintmark = (what: string): Error => failure(`The server answered with ${what}. Is the endpoint in the profile a Mintmark server?`);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noMintmark('something that is not JSON');
  }
}
