/** The URLs that the access token may be sent to: those of the profile's endpoint and no other origin's. */
import { failure } from './errors.ts';
import { printable } from './output/printable.ts';

/** A path of `paths.ts` below the endpoint. */
export const urlOf = (endpoint: string, path: string): URL => ofEndpoint(endpoint, endpoint + path);

/** A link of a reply: absolute, or from the root of the endpoint's host. @throws CommandError (1) when it leads anywhere else. */
export const linkedUrl = (endpoint: string, link: string): URL => ofEndpoint(endpoint, link);

function ofEndpoint(endpoint: string, reference: string): URL {
  const { origin } = new URL(endpoint);
  const url = URL.parse(reference, `${endpoint}/`);
  if (url?.origin !== origin) throw failure(`The server linked to '${printable(reference)}', but the access token is for ${origin} only. Make the management URL that the server is configured with the endpoint of the profile.`);
  return url;
}
