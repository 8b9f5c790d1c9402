/** A request to the token endpoint (RFC 6749, sections 2.3.1 and 4.4.2), read from its form and the Authorization header. */
import { LONGEST_ASSERTION, refusedAssertion } from '../../domain/client-assertion.ts';
import { MintmarkError } from '../../domain/errors.ts';

/** With one of the two, as the client chose. */
export type ClientCredentialsRequest = { readonly clientId: string; readonly clientSecret: string } | { readonly clientId: string; readonly assertion: string };

/** RFC 7523, section 2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Scopes that Azure's clients ask for whatever server they are pointed at. */
const AZURE_SCOPES = ['https://management.azure.com/.default', 'https://management.core.windows.net//.default', 'https://management.core.windows.net/.default'];
/** Scopes of OpenID Connect that clients add by habit; they change nothing here. */
const WITHOUT_EFFECT = new Set(['openid', 'profile', 'email', 'offline_access']);
const LONGEST_VALUE = 1024;

/**
 * What is asked for; unknown members have no effect.
 * @throws MintmarkError `InvalidRequest`, `UnsupportedGrantType`, `InvalidScope`; `InvalidClient` when there is neither secret nor assertion, `InvalidClientAssertion` for one of another type.
 */
export function readTokenRequest(form: URLSearchParams, authorization: string | undefined, managementUrl: string): ClientCredentialsRequest {
  const grant = member(form, 'grant_type');
  if (grant === undefined) throw new MintmarkError('InvalidRequest', "The request lacks 'grant_type'.");
  if (grant !== 'client_credentials') throw new MintmarkError('UnsupportedGrantType', 'The grant type is not supported: log in with client_credentials, and a client secret or a client assertion.');
  assertScope(member(form, 'scope'), managementUrl);
  const [basicId, basicSecret] = basicCredentials(authorization);
  const [clientId, clientSecret] = [member(form, 'client_id') ?? basicId, member(form, 'client_secret') ?? basicSecret];
  if (clientId === undefined || clientId === '') throw new MintmarkError('InvalidRequest', "The request lacks 'client_id'.");
  const assertion = readAssertionMember(form);
  if (assertion !== undefined && clientSecret !== undefined) throw new MintmarkError('InvalidRequest', 'The request has a client secret and a client assertion. Send one of them.');
  if (assertion !== undefined) return { clientId, assertion };
  if (clientSecret === undefined || clientSecret === '') throw new MintmarkError('InvalidClient', "AADSTS7000216: The request lacks 'client_secret' or 'client_assertion', by which one logs in.");
  return { clientId, clientSecret };
}

/** Whatever is wrong with it is told as bad credentials: clients remember a bad request. */
function readAssertionMember(form: URLSearchParams): string | undefined {
  const [assertion, type] = [member(form, 'client_assertion', LONGEST_ASSERTION), member(form, 'client_assertion_type')];
  if (assertion === undefined && type === undefined) return undefined;
  if (type !== ASSERTION_TYPE) throw refusedAssertion(50027, `The 'client_assertion_type' has to be '${ASSERTION_TYPE}'.`);
  // Of a file, the end of its line comes along.
  return (assertion ?? '').trim();
}

/** A member that is there at most once (RFC 6749, section 3.2). */
function member(form: URLSearchParams, name: string, longest = LONGEST_VALUE): string | undefined {
  const values = form.getAll(name);
  if (values.length > 1) throw new MintmarkError('InvalidRequest', `The request has '${name}' more than once.`);
  if ((values[0]?.length ?? 0) > longest) throw new MintmarkError('InvalidRequest', `'${name}' is longer than ${longest} characters.`);
  return values[0];
}

/** None is the management API; Azure's clients append `/.default` to its URL, with or without the URL's own slash. */
function assertScope(scope: string | undefined, managementUrl: string): void {
  const known = [`${managementUrl}/.default`, `${managementUrl}//.default`, ...AZURE_SCOPES].map((one) => one.toLowerCase());
  const asked = (scope ?? '').toLowerCase().split(' ').filter((one) => one !== '' && !WITHOUT_EFFECT.has(one));
  if (asked.every((one) => known.includes(one))) return;
  throw new MintmarkError('InvalidScope', `AADSTS70011: The scope is not one of this server. Ask for '${managementUrl}/.default'.`);
}

/** Both parts are form-encoded inside (RFC 6749, section 2.3.1). */
function basicCredentials(authorization: string | undefined): readonly [string?, string?] {
  const encoded = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return [];
  const [, id, secret] = /^([^:]{1,1024}):(.{0,1024})$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  if (id === undefined || secret === undefined) throw new MintmarkError('InvalidRequest', 'The Authorization header is not in the form of HTTP Basic.');
  return [formDecoded(id), formDecoded(secret)];
}

const formDecoded = (text: string): string => new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v') ?? '';
