/**
 * Who the command line is and where its server is: the profile that `mintmark dev` writes into its home, and `login` into
 * one of its own. Written whole, for its owner only, and never in place of somebody else's.
 */
import { randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { failure } from './errors.ts';

export interface Profile {
  /** The folder that the profile was read from. */
  readonly home: string;
  /** Base of the management API, without a trailing slash. */
  readonly endpoint: string;
  readonly tenantId: string;
  /** Empty while the principal can not see any. */
  readonly subscriptionId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** PEM text of the authority that the server's certificate must come from; null for the system's. */
  readonly ca: string | null;
  /** The file that it is in. */
  readonly caPath: string | null;
}

/** What is in the file. */
export interface StoredProfile extends Omit<Profile, 'home' | 'ca' | 'caPath'> {
  readonly caFile?: string | undefined;
}

const FILE = 'profile.json';
/** What the home of `mintmark dev` has, whose profile is its own matter. */
const DEV_STORE = 'mintmark.db';

const NEEDED = ['endpoint', 'tenantId', 'subscriptionId', 'clientId', 'clientSecret'] as const;

/** `MINTMARK_HOME`, or `.mintmark` in the working directory. */
export const homeOf = (env: NodeJS.ProcessEnv): string => resolve(env['MINTMARK_HOME'] || '.mintmark');

/** @throws CommandError (1) that says what to do when there is no profile or it is not whole. */
export async function readProfile(home: string): Promise<Profile> {
  const file = join(home, FILE);
  const members = parse(file, await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw unreadable(file, error); }));
  const missing = NEEDED.filter((member) => typeof members[member] !== 'string' || (members[member] === '' && member !== 'subscriptionId'));
  if (missing.length > 0) throw failure(`The profile ${file} lacks ${missing.join(', ')}. Start 'mintmark dev' again to have it written anew.`);
  const [endpoint, tenantId, subscriptionId, clientId, clientSecret] = NEEDED.map((member) => members[member] as string);
  if (!URL.canParse(endpoint!) || new URL(endpoint!).protocol !== 'https:') throw failure(`The endpoint '${endpoint}' in ${file} is no https URL.`);
  const caPath = typeof members['caFile'] === 'string' ? resolve(home, members['caFile']) : null;
  return { home, endpoint: endpoint!.replace(/\/+$/, ''), tenantId: tenantId!, subscriptionId: subscriptionId!, clientId: clientId!, clientSecret: clientSecret!, caPath, ca: caPath === null ? null : await readAuthority(caPath) };
}

/** A profile that is not written yet. @throws CommandError (1) when its authority can not be read. */
export async function newProfile(home: string, { caFile, ...members }: StoredProfile): Promise<Profile> {
  const caPath = caFile === undefined ? null : resolve(caFile);
  return { ...members, home, caPath, ca: caPath === null ? null : await readAuthority(caPath) };
}

/** Whether there is a profile of the same principal. @throws CommandError (1) when there is one of another, or the home is that of `dev`. */
export async function assertReplaceable(home: string, { endpoint, tenantId, clientId }: Profile): Promise<boolean> {
  await assertNotDevs(home);
  const text = await readFile(join(home, FILE), 'utf8').catch(() => null);
  if (text === null) return false;
  const former = parse(join(home, FILE), text);
  if (former['endpoint'] === endpoint && former['tenantId'] === tenantId && former['clientId'] === clientId) return true;
  throw failure(`${home} has a login as '${String(former['clientId'])}' at ${String(former['endpoint'])} already. Run 'mintmark logout' first, or set MINTMARK_HOME to another folder to keep both.`);
}

/** Writes the profile, making the home where it is missing. */
export async function writeProfile(home: string, { caFile, ...members }: StoredProfile): Promise<void> {
  const part = join(home, `${FILE}.${randomUUID()}.part`);
  const text = `${JSON.stringify({ ...members, ...(caFile === undefined ? {} : { caFile: resolve(caFile) }) }, null, 2)}\n`;
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeFile(part, text, { mode: 0o600, flag: 'wx' });
    await rename(part, join(home, FILE));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw failure(`The profile in ${home} can not be written: ${(error as Error).message}.`);
  }
}

/** Sets the subscription that commands work on. */
export async function setSubscription(home: string, subscriptionId: string): Promise<void> {
  const file = join(home, FILE);
  const { caFile, ...members } = parse(file, await readFile(file, 'utf8')) as unknown as StoredProfile;
  // A relative authority is one of the home.
  await writeProfile(home, { ...members, subscriptionId, caFile: caFile === undefined ? undefined : resolve(home, caFile) });
}

/** Takes the profile away, and the access token beside it. @throws CommandError (1) for the home of `dev`. */
export async function dropProfile(home: string): Promise<void> {
  await assertNotDevs(home);
  for (const file of [FILE, 'access-token.json']) await rm(join(home, file), { force: true });
}

/** Whether a `mintmark dev` keeps its state there. */
export const isDevHome = (home: string): Promise<boolean> => access(join(home, DEV_STORE)).then(() => true, () => false);

async function assertNotDevs(home: string): Promise<void> {
  if (await isDevHome(home)) throw failure(`${home} is the home of a 'mintmark dev', which logs the command line in by itself. Set MINTMARK_HOME to another folder for this.`);
}

function unreadable(file: string, { code, message }: NodeJS.ErrnoException): Error {
  if (code !== 'ENOENT') return failure(`The profile ${file} can not be read: ${message}.`);
  return failure(`Not logged in: there is no profile at ${file}. Start a server with 'mintmark dev', log in to one with 'mintmark login', or set MINTMARK_HOME to the home of one that was started elsewhere.`);
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
