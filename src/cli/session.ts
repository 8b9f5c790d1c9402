/**
 * What a running command has at hand: its streams, the global flags, and the server once it asks for it.
 *
 * Gives each command the profile and a logged-in API lazily, so that a command that needs neither starts without them.
 */
import type { Readable, Writable } from 'node:stream';
import type { ConnectionAdvice } from './connection-advice.ts';
import { failure } from './errors.ts';
import type { Globals } from './globals.ts';
import type { Https } from './https-exchange.ts';
import type { ManagementApi } from './management-api.ts';
import type { JsonValue } from './output/json-value.ts';
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
  readonly signersPort: number;
  readonly metricsPort?: number | undefined;
  readonly listen: string;
  readonly clockFile?: string | undefined;
}

/** Where `serve` and `config` have their settings from. */
export interface ConfigFlags {
  readonly config?: string | undefined;
  /** `PATH=VALUE`. */
  readonly set: readonly string[];
}

/** What a look at the configuration comes to. */
export interface ExaminedConfig {
  readonly settings: readonly { readonly setting: string; readonly value: JsonValue; readonly from: string }[];
  readonly faults: readonly ConfigFault[];
  readonly fileFaults: readonly ConfigFault[];
}

interface ConfigFault {
  readonly about: string;
  readonly problem: string;
}

/** Where `admin` finds the store. */
export interface StoreFlags {
  readonly store?: string;
  readonly keyEncryptionKey?: string;
  readonly config?: string;
}

interface NewOwner {
  /** Of the server's configuration; null where that was not looked at. */
  readonly managementUrl: string | null;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** `signer run --mode key-files`. */
interface KeyFilesFlags {
  readonly folder: string;
  readonly kubeconfig: string | null;
  readonly account: { readonly namespace: string; readonly name: string };
  readonly restartManifest: string | null;
  readonly keepAutoExtension: boolean;
}

/** What `signer run` is started with. */
export interface SignerRunFlags {
  readonly stateDir: string;
  readonly socket: { readonly path: string; readonly mode?: number | undefined; readonly uid?: number | undefined; readonly gid?: number | undefined };
  readonly health: { readonly host: string; readonly port: number } | null;
  /** Null: external signing, by the socket. */
  readonly keyFiles: KeyFilesFlags | null;
  readonly tokenFile?: string | undefined;
  readonly name?: string | undefined;
}

export interface SignerEnrollFlags {
  readonly stateDir: string;
  readonly tokenFile: string;
  readonly name?: string | undefined;
  readonly warn: (text: string) => void;
}

/** Commands that need more than a client: each that runs a server gives its exit code when it ends. And the lock that servers take. */
export interface ServerCommands {
  readonly lockFile: (file: string, message: string) => Promise<{ readonly release: () => void }>;
  readonly dev: (flags: DevFlags) => Promise<number>;
  readonly serve: (flags: ConfigFlags) => Promise<number>;
  readonly signerRun: (flags: SignerRunFlags) => Promise<number>;
  readonly signerEnroll: (flags: SignerEnrollFlags) => Promise<{ readonly name: string; readonly signerId: string; readonly issuerUrl: string }>;
  readonly examineConfig: (flags: ConfigFlags) => Promise<ExaminedConfig>;
  readonly bootstrap: (flags: StoreFlags & { readonly tenantName: string; readonly subscriptionName: string }) => Promise<NewOwner & { readonly subscriptionId: string }>;
  readonly resetOwner: (flags: StoreFlags & { readonly clientId?: string }) => Promise<NewOwner>;
}

/** The outside of the command line: given by `main.ts`, and by tests. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & Terminal;
  readonly stderr: Writable & Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly commands: ServerCommands;
  /** Ends `--watch`. */
  readonly signal?: AbortSignal;
}

export interface Session {
  readonly io: Io;
  readonly globals: Globals;
  readonly report: Report;
  profile(): Promise<Profile>;
  api(): Promise<ManagementApi>;
  /** The API for a profile that is not written yet, after a fresh login. @throws CommandError (1). */
  logIn(profile: Profile): Promise<ManagementApi>;
  /** An https client of its own for documents that need no login; `ca` as `createHttps` takes it. */
  publicHttps(ca: readonly string[] | null): Promise<Https>;
  subscription(): Promise<string>;
  cluster(flags: { readonly resourceGroup: string; readonly name: string }): Promise<ClusterName>;
  close(): void;
}

export function createSession(io: Io, globals: Globals): Session {
  const progress = createProgress(io.stderr, (text) => report.note(text));
  const report: Report = createReport(globals, (text) => { progress.clear(); io.stderr.write(text); });
  const opened: Https[] = [];
  let profile: Promise<Profile> | undefined;
  let api: Promise<ManagementApi> | undefined;

  async function open(ca: string | readonly string[] | null, advice: ConnectionAdvice): Promise<Https> {
    const { createHttps } = await import('./https-exchange.ts');
    const https = createHttps(ca, report, io.env, advice);
    opened.push(https);
    return https;
  }
  const readOnce = (): Promise<Profile> => (profile ??= readProfile(homeOf(io.env)));
  async function subscription(): Promise<string> {
    const chosen = globals.subscription ?? (await readOnce()).subscriptionId;
    if (chosen === '') throw failure("No subscription is chosen. 'mintmark account list' shows those that the principal can see; 'mintmark account set --subscription ID' chooses one.");
    return chosen;
  }

  async function connect(known: Profile, isNew = false): Promise<ManagementApi> {
    const { loginAdvice, profileAdvice } = await import('./connection-advice.ts');
    const advice = isNew ? loginAdvice(known) : await profileAdvice(known);
    const [https, { createManagementApi }, { accessTokenOf }] = await Promise.all([open(known.ca, advice), import('./management-api.ts'), import('./access-token.ts')]);
    const kept = accessTokenOf(known, https, Date.now);
    const fresh = isNew ? await kept.renew() : null;
    const token = fresh === null ? kept : { ...kept, get: async () => fresh };
    return createManagementApi({ endpoint: known.endpoint, https, token, report, progress, now: Date.now });
  }

  return {
    io, globals, report, subscription,
    profile: readOnce,
    api: () => (api ??= readOnce().then((known) => connect(known))),
    logIn: (known) => connect(known, true),
    publicHttps: async (ca) => open(ca, (await import('./connection-advice.ts')).PUBLIC_DOCUMENTS),
    cluster: async ({ resourceGroup, name }) => ({ subscription: await subscription(), resourceGroup, name }),
    close: () => opened.forEach((https) => https.close()),
  };
}
