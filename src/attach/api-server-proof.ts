/**
 * Proof of what an API server that signs with key files really does: the keys that it lists, and the key of a token that
 * it makes. Files say nothing, because it reads them at its start only (rule 5).
 *
 * The kubeconfig needs two rights: to read `/openid/v1/jwks`, and to create a token of one service account.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { ApiServer, ApiServerReply } from './api-server-client.ts';

export interface ApiServerFacts {
  /** Kids of its JWKS. */
  readonly kids: readonly string[];
  /** Of a token that it made just now. */
  readonly signs: { readonly kid: string; readonly issuer: string };
}

/** Whose token is asked for; it is looked at and forgotten. */
export interface ProofAccount {
  readonly namespace: string;
  readonly name: string;
}

/** There in every cluster. */
export const DEFAULT_PROOF_ACCOUNT: ProofAccount = { namespace: 'kube-system', name: 'default' };

/** For nobody: a token that got away would be good for nothing. */
const AUDIENCE = 'urn:mintmark:proof';
/** The shortest that an API server makes. */
const SECONDS = 600;

type Ask = (server: ApiServer, path: string, body?: object) => Promise<ApiServerReply>;

/** Why there is no proof now; a sentence. */
export interface NoFacts {
  readonly fault: string;
}

/** Never rejects: an API server that is away is the ordinary case during a restart. */
export async function apiServerFacts(server: ApiServer, { namespace, name }: ProofAccount, ask: Ask): Promise<ApiServerFacts | NoFacts> {
  try {
    const keys = await read(server, '/openid/v1/jwks', undefined, 200, ask);
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
    const reply = await read(server, path, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [AUDIENCE], expirationSeconds: SECONDS } }, 201, ask);
    const { token } = Object(Object(reply)['status']) as { token: string };
    const list = Object(keys)['keys'] as readonly { kid: string }[];
    return { kids: list.map(({ kid }) => String(kid)), signs: { kid: String(decodeProtectedHeader(token).kid), issuer: String(decodeJwt(token).iss) } };
  } catch (error) {
    return { fault: error instanceof Refusal ? error.message : `The API server at ${server.url} gives no answer that can be used (${(error as NodeJS.ErrnoException).code ?? 'it is not what a kube-apiserver says'}).` };
  }
}

class Refusal extends Error {}

async function read(server: ApiServer, path: string, body: object | undefined, wanted: number, ask: Ask): Promise<unknown> {
  const reply = await ask(server, path, body);
  if (reply.status === wanted) return JSON.parse(reply.body);
  const advice = [401, 403].includes(reply.status) ? ' The kubeconfig needs to read /openid/v1/jwks and to create tokens of that service account: examples/proof-access.yaml.' : '';
  throw new Refusal(`The API server answers ${reply.status} to ${path}.${advice}`);
}

export interface Expected {
  readonly issuer: string;
  /** The key that must sign; null where none may. */
  readonly activeKid: string | null;
  /** Keys that must verify. */
  readonly kids: readonly string[];
  /** Keys that must not any more. */
  readonly revoked: readonly string[];
}

/** Why the facts do not prove it; null when they do. */
export function unproven(facts: ApiServerFacts | NoFacts, { issuer, activeKid, kids, revoked }: Expected): string | null {
  if ('fault' in facts) return facts.fault;
  const missing = kids.filter((kid) => !facts.kids.includes(kid));
  if (missing.length > 0) return `The API server does not verify by the key ${missing.join(', ')} yet: it has not been restarted since the files were written.`;
  const left = revoked.filter((kid) => facts.kids.includes(kid));
  if (left.length > 0) return `The API server still verifies by the revoked key ${left.join(', ')}: it has not been restarted since the files were written.`;
  if (activeKid !== null && facts.signs.kid !== activeKid) return `The API server signs with the key ${facts.signs.kid}, not with ${activeKid}: it has not been restarted since the files were written, or --service-account-signing-key-file names another file.`;
  return facts.signs.issuer === issuer ? null : `The API server signs as ${facts.signs.issuer}, not as ${issuer}: --service-account-issuer has to name that first.`;
}
