/** Verifies a token as a relying party does: over https, by nothing but the issuer's published documents. */
import { get } from 'node:https';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';

/** The claims of a token that verifies. Rejects when it does not, or when the documents can not be read. */
export async function verifyToken(token: string, issuerUrl: string, ca: string, now: Date): Promise<JWTPayload> {
  const discovery = (await getJson(`${issuerUrl}.well-known/openid-configuration`, ca)) as { readonly issuer: string; readonly jwks_uri: string };
  if (discovery.issuer !== issuerUrl) throw new Error(`the discovery document of ${issuerUrl} names another issuer, ${discovery.issuer}`);
  const keys = createLocalJWKSet((await getJson(discovery.jwks_uri, ca)) as JSONWebKeySet);
  const { payload } = await jwtVerify(token, keys, { issuer: issuerUrl, algorithms: ['RS256'], currentDate: now });
  return payload;
}

function getJson(url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject).on('end', () => {
        if (reply.statusCode === 200) resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        else reject(new Error(`GET ${url} answered ${reply.statusCode}`));
      });
    }).on('error', reject);
  });
}
