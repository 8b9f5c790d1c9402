/** The body of a reply as JSON; beside the https client, so that commands which never connect start without it. */
import { failure } from './errors.ts';

/** The JSON of a reply. @throws CommandError (1) when it is none. */
export function bodyOf<Body>(reply: { readonly body: string }): Body {
  try {
    return JSON.parse(reply.body) as Body;
  } catch {
    throw failure('The server answered with something that is not JSON. Is the endpoint in the profile a Mintmark server?');
  }
}
