/**
 * `mintmark signer run`: the process beside an API server, from its state folder to its socket.
 *
 * Gets a ring before anything listens, so that whatever answers on the socket can sign; then follows. What takes long to
 * load is loaded while the server is asked.
 */
import type { Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { SignerKeys } from '../keys/signer-keys.ts';
import { createLog, lockFile, refusal, stopSignal } from '../serve/server-process.ts';
import type { HealthAddress } from './health.ts';
import type { Lease } from './lease.ts';
import { RingFollower } from './ring-follower.ts';
import type { UsableRing } from './ring-user.ts';
import { createServerClient } from './server-client.ts';
import { machineClock } from './signer-clock.ts';
import type { SocketPlace } from './socket.ts';
import { type EnrolledAs, openStateFolder, type StateFolder } from './state-folder.ts';
import { leaseBar, signerStatus } from './status.ts';

export interface SignerRunFlags {
  readonly stateDir: string;
  readonly socket: SocketPlace;
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
      await run(flags, state, createLog(env['MINTMARK_LOG_LEVEL'] ?? 'info'), stopped);
      return 0;
    } finally {
      state.release();
    }
  } catch (error) {
    return refusal(error, stderr);
  }
}

/** Enrols a state folder. @throws MintmarkError. */
export async function enrollSigner({ stateDir, ...asked }: SignerEnrollFlags): Promise<EnrolledAs> {
  const state = await openStateFolder(stateDir, lockFile);
  try {
    const { enrol } = await import('./enrolment.ts');
    return await enrol(state, asked, machineClock.now());
  } finally {
    state.release();
  }
}

async function run(flags: SignerRunFlags, state: StateFolder, log: Logger, stopped: Promise<void>): Promise<void> {
  const { enrolled, keys } = await identity(state, flags);
  const client = createServerClient(enrolled, keys, enrolled.signerId);
  const follower = new RingFollower({ enrolled, keys, state, client, clock: machineClock, mode: 'external', log });
  void stopped.then(() => follower.stop());
  try {
    const [opened, external] = await Promise.all([follower.first(), import('./external-mode.ts')]);
    if (opened === null) return;
    const lease = await follower.lease(opened.ring);
    await serve(flags, { follower, lease, opened, external, log }, stopped);
  } finally {
    follower.stop();
    client.close();
  }
}

interface Ready {
  readonly follower: RingFollower;
  readonly lease: Lease;
  readonly opened: UsableRing;
  readonly external: typeof import('./external-mode.ts');
  readonly log: Logger;
}

async function serve({ socket, health }: SignerRunFlags, { follower, lease, opened, external, log }: Ready, stopped: Promise<void>): Promise<void> {
  let inUse = (): UsableRing['ring'] => opened.ring;
  const status = () => signerStatus(follower, lease, inUse());
  const metrics = health === null ? null : (await import('./metrics.ts')).createSignerMetrics(status);
  const observer = metrics?.observer ?? { signed: () => undefined, refused: () => undefined, keysFetched: () => undefined };
  const signer = await external.serveExternalSigner(opened, socket, { now: machineClock.now, bar: () => leaseBar(lease), observer, lockFile, log });
  inUse = () => signer.user.ring;
  try {
    const probes = health === null || metrics === null ? null : await (await import('./health.ts')).serveHealth(health, status, metrics);
    log.info({ socket: signer.path, issuer: opened.ring.issuer, kid: opened.ring.active?.kid ?? null, pid: process.pid }, 'signing');
    // A deletion ends the following and not the process: what is signed already is verified on.
    const following = follower.follow(signer.user, opened.ring, lease).then(() => stopped);
    await Promise.race([stopped, following]);
    log.info('stopping');
    probes?.close();
  } finally {
    await signer.stop();
  }
}

async function identity(state: StateFolder, { tokenFile, name }: SignerRunFlags): Promise<{ readonly enrolled: EnrolledAs; readonly keys: SignerKeys }> {
  const enrolled = (await state.enrolledAs()) ?? (tokenFile === undefined ? null : await (await import('./enrolment.ts')).enrol(state, { tokenFile, name }, machineClock.now()));
  const keys = await SignerKeys.load(state.dir);
  if (enrolled === null || keys === null) throw new MintmarkError('InvalidConfiguration', `${state.dir} is not enrolled. 'mintmark signer create' on the server gives a token; 'mintmark signer enroll --token-file FILE --state-dir ${state.dir}' enrols this host with it.`);
  return { enrolled, keys };
}
