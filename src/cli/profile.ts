/** Who the command line is and where its server is: the profile that `mintmark dev` writes into its home. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { failure } from './errors.ts';

export interface Profile {
  /** The folder that the profile was read from. */
  readonly home: string;
  /** Base of the management API, without a trailing slash. */
  readonly endpoint: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** PEM text of the authority that the server's certificate must come from; null for the system's. */
  readonly ca: string | null;
}

const NEEDED = ['endpoint', 'tenantId', 'subscriptionId', 'clientId', 'clientSecret'] as const;

/** `MINTMARK_HOME`, or `.mintmark` in the working directory. */
export const homeOf = (env: NodeJS.ProcessEnv): string => resolve(env['MINTMARK_HOME'] || '.mintmark');

/** @throws CommandError (1) that says what to do when there is no profile or it is not whole. */
export async function readProfile(home: string): Promise<Profile> {
  const file = join(home, 'profile.json');
  const members = parse(file, await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw unreadable(file, error); }));
  const missing = NEEDED.filter((member) => typeof members[member] !== 'string' || members[member] === '');
  if (missing.length > 0) throw failure(`The profile ${file} lacks ${missing.join(', ')}. Start 'mintmark dev' again to have it written anew.`);
  const [endpoint, tenantId, subscriptionId, clientId, clientSecret] = NEEDED.map((member) => members[member] as string);
  if (!URL.canParse(endpoint!) || new URL(endpoint!).protocol !== 'https:') throw failure(`The endpoint '${endpoint}' in ${file} is no https URL.`);
  const ca = typeof members['caFile'] === 'string' ? await readAuthority(resolve(home, members['caFile'])) : null;
  return { home, endpoint: endpoint!.replace(/\/+$/, ''), tenantId: tenantId!, subscriptionId: subscriptionId!, clientId: clientId!, clientSecret: clientSecret!, ca };
}

function unreadable(file: string, { code, message }: NodeJS.ErrnoException): Error {
  if (code !== 'ENOENT') return failure(`The profile ${file} can not be read: ${message}.`);
  return failure(`Not logged in: there is no profile at ${file}. Start a server with 'mintmark dev', or set MINTMARK_HOME to the home of one that was started elsewhere.`);
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    throw failure(`The profile ${file} is not JSON. Start 'mintmark dev' again to have it written anew.`);
  }
}

async function readAuthority(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => { throw failure(`The certificate authority ${file}, which the profile names, can not be read: ${error.message}.`); });
}
