/**
 * A relying party that knows nothing of Mintmark: a process of its own that trusts one authority (NODE_EXTRA_CA_CERTS),
 * finds the issuer by openid-client's discovery and verifies tokens with jose's remote JWKS, both as they come, with
 * their default caching. Its clock can be moved together with the server's, so that no test waits for a cache.
 *
 * Gets lines of JSON on stdin, `{issuer}` once, then `{token}` or `{secondsAhead}`; answers each with one line: the
 * token's `kid`, the code of the error, or `ready`.
 */
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { discovery, None } from 'openid-client';

type Line = { readonly issuer: string } | { readonly token: string } | { readonly secondsAhead: number };
type Verify = (token: string) => Promise<string>;

const machineTime = Date.now;

async function trust(issuer: string): Promise<Verify> {
  const metadata = (await discovery(new URL(issuer), 'a-client', undefined, None())).serverMetadata();
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ''));
  return async (token) => {
    const { protectedHeader } = await jwtVerify(token, keys, { issuer: metadata.issuer, audience: issuer, currentDate: new Date(Date.now()) });
    return String(protectedHeader.kid);
  };
}

let verify: Verify = () => Promise.reject(new Error('no issuer is trusted yet'));

async function answer(line: Line): Promise<string> {
  if ('token' in line) return verify(line.token);
  if ('issuer' in line) verify = await trust(line.issuer);
  else Date.now = () => machineTime() + line.secondsAhead * 1000;
  return 'ready';
}

for await (const text of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(text) as Line).catch((error: Error & { code?: string }) => error.code ?? error.message);
  process.stdout.write(`${reply}\n`);
}
