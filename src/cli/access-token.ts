/**
 * The access token of the profile's principal: asked for once, kept in the home until a minute before its end.
 *
 * The file is for its owner only and replaced whole. A home that can not be written only costs a login per command.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoginReply } from '../http/management/contract.ts';
import { urlOf } from './endpoint-urls.ts';
import { failure, serverError } from './errors.ts';
import type { Https } from './https-exchange.ts';
import { paths } from './paths.ts';
import type { Profile } from './profile.ts';
import { assertNoRedirect } from './reply-body.ts';

export interface AccessToken {
  /** The kept token, or a new one. */
  get(): Promise<string>;
  /** A new one, whatever is kept. */
  renew(): Promise<string>;
}

interface Kept {
  readonly endpoint: string;
  readonly clientId: string;
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

const SPARE_MS = 60_000;

export function accessTokenOf(profile: Profile, https: Https, now: () => number): AccessToken {
  const file = join(profile.home, 'access-token.json');
  const renew = async (): Promise<string> => {
    const asked = now();
    const reply = await login(profile, https);
    await keep(file, { endpoint: profile.endpoint, clientId: profile.clientId, accessToken: reply.access_token, expiresAt: asked + reply.expires_in * 1000 });
    return reply.access_token;
  };
  return {
    async get() {
      const kept = await readKept(file);
      const fits = kept !== null && kept.endpoint === profile.endpoint && kept.clientId === profile.clientId && kept.expiresAt - SPARE_MS > now();
      return fits ? kept.accessToken : renew();
    },
    renew,
  };
}

/** RFC 6749, section 4.4. */
async function login({ endpoint, tenantId, clientId, clientSecret }: Profile, https: Https): Promise<LoginReply> {
  const form = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials', scope: `${endpoint}/.default` });
  const reply = await https.send({
    method: 'POST', url: urlOf(endpoint, paths.login(tenantId)).href, body: form.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', 'x-ms-client-request-id': randomUUID() },
  });
  assertNoRedirect(reply);
  if (reply.status !== 200) throw serverError(reply.status, reply.reason, reply.body);
  const parsed = readLogin(reply.body);
  if (parsed === null) throw failure(`${endpoint} answered the login with something that is no token reply. Is it a Mintmark server?`);
  return parsed;
}

function readLogin(body: string): LoginReply | null {
  try {
    const { access_token, expires_in } = JSON.parse(body) as LoginReply;
    return typeof access_token === 'string' && Number.isFinite(expires_in) ? { token_type: 'Bearer', access_token, expires_in } : null;
  } catch {
    return null;
  }
}

async function readKept(file: string): Promise<Kept | null> {
  try {
    const kept = JSON.parse(await readFile(file, 'utf8')) as Kept;
    return typeof kept.accessToken === 'string' && typeof kept.expiresAt === 'number' ? kept : null;
  } catch {
    return null;
  }
}

async function keep(file: string, kept: Kept): Promise<void> {
  const part = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(part, JSON.stringify(kept), { mode: 0o600, flag: 'wx' });
    await rename(part, file);
  } catch {
    await rm(part, { force: true }).catch(() => undefined);
  }
}
