/**
 * Which federated credential names an assertion, and if none does, what is wrong in words.
 *
 * Everything is compared character by character. What a credential has instead is told only where it is all but the same:
 * whoever holds a client id is not told whom the identity trusts.
 */
import { type ClientAssertion, refusedAssertion, shown } from './client-assertion.ts';
import type { FederatedCredential } from './federated-credential.ts';

type Claims = Pick<ClientAssertion, 'issuer' | 'subject' | 'audiences'>;

const NONE = 'No matching federated identity record found for presented assertion';

/** Those that name the issuer, at least one. @throws MintmarkError `InvalidClientAssertion`. */
export function credentialsOfIssuer(credentials: readonly FederatedCredential[], { issuer, subject, audiences }: Claims): readonly FederatedCredential[] {
  const found = credentials.filter((one) => one.issuer === issuer);
  if (found.length > 0) return found;
  if (credentials.length === 0) throw refusedAssertion(70021, `${NONE}: the identity has no federated credential. Assertion issuer: ${shown(issuer)}. Assertion subject: ${shown(subject)}. Assertion audience: ${audiences.map(shown).join(', ')}.`);
  throw refusedAssertion(700211, `${NONE} issuer ${shown(issuer)}.${difference(issuer, credentials.map((one) => one.issuer))} The issuer of a credential is compared with 'iss' character by character.`);
}

/**
 * The one among those of its issuer that names the assertion's subject and one of its audiences.
 * @throws MintmarkError `InvalidClientAssertion`.
 */
export function credentialOfAssertion(ofIssuer: readonly FederatedCredential[], { subject, audiences }: Claims): FederatedCredential {
  const ofSubject = ofIssuer.filter((one) => one.subject === subject);
  if (ofSubject.length === 0) throw refusedAssertion(700213, `${NONE} subject ${shown(subject)}.${difference(subject, ofIssuer.map((one) => one.subject))} The subject of a credential is compared with 'sub' character by character; of a service account it is 'system:serviceaccount:NAMESPACE:NAME'.`);
  const found = ofSubject.find(({ audience }) => audiences.includes(audience));
  if (found !== undefined) return found;
  throw refusedAssertion(700212, `${NONE} audience ${audiences.slice(0, 5).map(shown).join(', ')}. The credential for this issuer and subject has ${shown(ofSubject[0]!.audience)}: ask for a token with that audience.`);
}

/** What is the same but for slashes at its end, letter case and space around it. */
const loose = (text: string): string => text.trim().toLowerCase().replace(/\/+$/, '');

function difference(given: string, stored: readonly string[]): string {
  const near = stored.find((one) => loose(one) === loose(given));
  if (near === undefined) return '';
  const slash = given.endsWith('/') === near.endsWith('/') ? '' : `, with${near.endsWith('/') ? '' : 'out'} a slash at the end`;
  return ` A credential has ${shown(near)}${slash}.`;
}
