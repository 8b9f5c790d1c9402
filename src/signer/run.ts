/**
 * `mintmark signer run`: the process beside an API server, from its state folder to its socket.
 *
 * Gets a ring before anything listens, so that whatever answers on the socket can sign; then follows. What takes long to
 * load is loaded while the server is asked.
 */
import type { Logger } from 'pino';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import type { SignerRing } from '../domain/ring-for-signer.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { createLog, lockFile, refusal, type ServerLog, stopSignal } from '../serve/server-process.ts';
import type { HealthAddress } from './health.ts';
import type { ExternalSignerDeps } from './external-mode.ts';
import type { Lease } from './lease.ts';
import { closedInWords, RingFollower } from './ring-follower.ts';
import type { RingUser, UsableRing } from './ring-user.ts';
import { createServerClient } from './server-client.ts';
import { machineClock } from './signer-clock.ts';
import type { SocketPlace } from './socket.ts';
import { type EnrolledAs, openStateFolder, type StateFolder } from './state-folder.ts';
import { leaseBar, NO_PROOF_NEEDED, type ProofOutlook, type SignerStatus, signerStatus } from './status.ts';
import { proxyTo, proxyWarning } from './server-proxy.ts';

/** What uses the ring instead of a socket: key files of an API server. */
export interface KeyFilesOfHost {
  readonly open: (log: Logger) => Promise<RingUser>;
  /** Takes away what signs, when the signer was deleted while nothing ran here. Needs nothing to be as `open` wants it. */
  readonly wipe: (log: Logger) => Promise<void>;
  /** Why the API server may not do as the files say, in words; null where it is known to. */
  readonly fault: () => Promise<string | null>;
  /** For how long restarts can be proved, as it is now. */
  readonly outlook: () => Promise<ProofOutlook>;
}

export interface SignerRunFlags {
  readonly stateDir: string;
  readonly socket: SocketPlace;
  /** Null: external signing, by the socket. */
  readonly keyFiles: KeyFilesOfHost | null;
  /** Null: no listener for probes and scrapers. */
  readonly health: HealthAddress | null;
  /** With which a state folder that is not enrolled enrols itself first. */
  readonly tokenFile?: string | undefined;
  readonly name?: string | undefined;
}

export interface SignerEnrollFlags {
  readonly stateDir: string;
  readonly tokenFile: string;
  readonly name?: string | undefined;
  readonly warn: (text: string) => void;
}

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly stderr: { write(text: string): unknown };
}

/** Runs until it is told to stop; resolves with the exit code. */
export async function runSigner(flags: SignerRunFlags, { env, stderr }: Surroundings): Promise<number> {
  const stopped = stopSignal();
  try {
    const state = await openStateFolder(flags.stateDir, lockFile);
    try {
      await run(flags, state, { env, ...createLog(env['MINTMARK_LOG_LEVEL'] ?? 'info') }, stopped);
      return 0;
    } finally {
      state.release();
    }
  } catch (error) {
    return refusal(error, stderr);
  }
}

/** Enrols a state folder. @throws MintmarkError. */
export async function enrollSigner({ stateDir, ...asked }: SignerEnrollFlags, env: NodeJS.ProcessEnv): Promise<EnrolledAs> {
  const state = await openStateFolder(stateDir, lockFile);
  try {
    const { enrol } = await import('./enrolment.ts');
    return await enrol(state, { ...asked, env }, machineClock.now());
  } finally {
    state.release();
  }
}

async function run(flags: SignerRunFlags, state: StateFolder, { env, ...serverLog }: ServerLog & Pick<Surroundings, 'env'>, stopped: Promise<void>): Promise<void> {
  const { log } = serverLog;
  const { enrolled, keys } = await identity(state, flags, log, env);
  const warning = proxyWarning(env);
  if (warning !== null) log.warn(warning);
  const client = createServerClient({ ...enrolled, proxy: proxyTo(enrolled.url, env) }, keys, enrolled.signerId);
  const follower = new RingFollower({ enrolled, keys, state, client, clock: machineClock, mode: flags.keyFiles === null ? 'external' : 'keyFiles', log });
  void stopped.then(() => follower.stop());
  try {
    const [opened, open] = await Promise.all([firstRing(follower, flags, log), flags.keyFiles === null ? externalSigner(flags.socket) : keyFileSigner(flags.keyFiles)]);
    if (opened === null) return;
    const lease = await follower.lease(opened.ring);
    await serve(flags, { follower, lease, opened, open, ...serverLog }, stopped);
  } finally {
    follower.stop();
    client.close();
  }
}

/** A signer that was deleted while nothing ran here, or that ended halfway, leaves the API server nothing to sign with (rule 12). */
async function firstRing(follower: RingFollower, { keyFiles }: SignerRunFlags, log: Logger): Promise<UsableRing | null> {
  try {
    return await follower.first();
  } catch (error) {
    if (isMintmarkError(error, 'SigningStopped')) await keyFiles?.wipe(log);
    throw error;
  }
}

/** What answers by the ring, once it does. */
interface Serving {
  readonly user: RingUser;
  readonly ring: () => SignerRing;
  /** Where, for the log. */
  readonly at: Readonly<Record<string, string>>;
  /** Why nobody can ask, or an API server that signs by itself may not do as the ring says, in words; null while all is well. */
  readonly fault: () => Promise<string | null>;
  readonly outlook: () => Promise<ProofOutlook>;
  stop(): Promise<void>;
}

type OpenSigner = (opened: UsableRing, around: Pick<ExternalSignerDeps, 'bar' | 'observer' | 'log'>) => Promise<Serving>;

/** Loads what takes long before there is a ring. */
async function externalSigner(socket: SocketPlace): Promise<OpenSigner> {
  const { serveExternalSigner } = await import('./external-mode.ts');
  return async (opened, around) => {
    const { user, path, fault, stop } = await serveExternalSigner(opened, socket, { ...around, now: machineClock.now, lockFile });
    return { user, ring: () => user.ring, at: { socket: path }, fault: async () => fault(), outlook: async () => NO_PROOF_NEEDED, stop: () => stop() };
  };
}

/** The API server signs by itself, so a lease that has ended is told and not enforced here. */
async function keyFileSigner(keyFiles: KeyFilesOfHost): Promise<OpenSigner> {
  return async (opened, { log }) => {
    const files = await keyFiles.open(log);
    let { ring } = opened;
    const user: RingUser = { use: (next) => files.use(next).then(() => { ring = next.ring; }), proven: () => files.proven(), wipe: () => files.wipe() };
    await user.use(opened);
    return { user, ring: () => ring, at: { mode: 'key-files' }, fault: keyFiles.fault, outlook: keyFiles.outlook, stop: async () => undefined };
  };
}

interface Ready extends ServerLog {
  readonly follower: RingFollower;
  readonly lease: Lease;
  readonly opened: UsableRing;
  readonly open: OpenSigner;
}

async function serve({ health }: SignerRunFlags, { follower, lease, opened, open, log, lostLogLines }: Ready, stopped: Promise<void>): Promise<void> {
  const metrics = health === null ? null : (await import('./metrics.ts')).createSignerMetrics(lostLogLines);
  const observer = metrics?.observer ?? { signed: () => undefined, refused: () => undefined, keysFetched: () => undefined };
  const signer = await open(opened, { bar: () => leaseBar(lease), observer, log });
  const status = async (): Promise<SignerStatus> => signerStatus(follower, lease, signer.ring(), { fault: await signer.fault(), outlook: await signer.outlook() });
  let probes: { close(): void } | null = null;
  try {
    probes = health === null || metrics === null ? null : await (await import('./health.ts')).serveHealth(health, status, metrics);
    if (opened.ring.open) log.info({ ...signer.at, issuer: opened.ring.issuer, kid: opened.ring.active?.kid ?? null }, 'signing');
    else log.error(signer.at, closedInWords(opened.ring));
    // A deletion ends the following and not the process: what is signed already is verified on.
    const following = follower.follow(signer.user, opened.ring, lease).then(() => stopped);
    await Promise.race([stopped, following]);
    log.info('stopping');
  } finally {
    // Whatever ends this: a listener that stays would keep the process alive, which does nothing any more.
    probes?.close();
    await signer.stop();
  }
}

async function identity(state: StateFolder, { tokenFile, name }: SignerRunFlags, log: Logger, env: NodeJS.ProcessEnv): Promise<{ readonly enrolled: EnrolledAs; readonly keys: SignerKeys }> {
  const enrolled = (await state.enrolledAs()) ?? (tokenFile === undefined ? null : await (await import('./enrolment.ts')).enrol(state, { tokenFile, name, warn: (text) => log.warn(text), env }, machineClock.now()));
  const keys = await SignerKeys.load(state.dir);
  if (enrolled === null || keys === null) throw new MintmarkError('InvalidConfiguration', `${state.dir} is not enrolled. 'mintmark signer create' on the server gives a token; 'mintmark signer enroll --token-file FILE --state-dir ${state.dir}' enrols this host with it.`);
  return { enrolled, keys };
}
