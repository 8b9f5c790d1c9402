/**
 * What a running command has at hand: its streams, the global flags, and the server once it asks for it.
 *
 * Gives each command the profile and a logged-in API lazily, so that a command that needs neither starts without them.
 */
import type { Readable, Writable } from 'node:stream';
import type { Globals } from './globals.ts';
import type { Https } from './https-exchange.ts';
import type { ManagementApi } from './management-api.ts';
import type { ClusterName } from './paths.ts';
import { homeOf, type Profile, readProfile } from './profile.ts';
import { createProgress } from './progress.ts';
import { createReport, type Report } from './report.ts';

type Terminal = { readonly isTTY?: boolean; readonly columns?: number };

/** What `mintmark dev` is started with. */
export interface DevFlags {
  readonly home: string;
  readonly managementPort: number;
  readonly issuerPort: number;
  readonly listen: string;
  readonly clockFile?: string | undefined;
}

/** The outside of the command line: given by `main.ts`, and by tests. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & Terminal;
  readonly stderr: Writable & Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** Commands that run a server: each gives its exit code when it ends. */
  readonly commands: { readonly dev: (flags: DevFlags) => Promise<number> };
  /** Ends `--watch`. */
  readonly signal?: AbortSignal;
}

export interface Session {
  readonly io: Io;
  readonly globals: Globals;
  readonly report: Report;
  profile(): Promise<Profile>;
  api(): Promise<ManagementApi>;
  /** An https client of its own for documents that need no login; `ca` as `createHttps` takes it. */
  publicHttps(ca: readonly string[] | null): Promise<Https>;
  subscription(): Promise<string>;
  cluster(flags: { readonly resourceGroup: string; readonly name: string }): Promise<ClusterName>;
  close(): void;
}

export function createSession(io: Io, globals: Globals): Session {
  const progress = createProgress(io.stderr);
  const report = createReport(globals, (text) => { progress.clear(); io.stderr.write(text); });
  const opened: Https[] = [];
  let profile: Promise<Profile> | undefined;
  let api: Promise<ManagementApi> | undefined;

  async function open(ca: string | readonly string[] | null): Promise<Https> {
    const { createHttps } = await import('./https-exchange.ts');
    const https = createHttps(ca, report);
    opened.push(https);
    return https;
  }
  const readOnce = (): Promise<Profile> => (profile ??= readProfile(homeOf(io.env)));
  const subscription = async (): Promise<string> => globals.subscription ?? (await readOnce()).subscriptionId;

  async function connect(): Promise<ManagementApi> {
    const known = await readOnce();
    const [https, { createManagementApi }, { accessTokenOf }] = await Promise.all([open(known.ca), import('./management-api.ts'), import('./access-token.ts')]);
    return createManagementApi({ endpoint: known.endpoint, https, token: accessTokenOf(known, https, Date.now), report, progress, now: Date.now });
  }

  return {
    io, globals, report, subscription,
    profile: readOnce,
    api: () => (api ??= connect()),
    publicHttps: open,
    cluster: async ({ resourceGroup, name }) => ({ subscription: await subscription(), resourceGroup, name }),
    close: () => opened.forEach((https) => https.close()),
  };
}
