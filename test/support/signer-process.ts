/**
 * A signer's parts in this process, against the server's real listener, over TLS and a line that a test can cut. What
 * `signer run` composes, with a clock that is moved by hand and every step recorded.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { pointText } from '../../src/domain/ring-for-signer.ts';
import { pinOf } from '../../src/keys/certificate-pin.ts';
import { SignerKeys } from '../../src/keys/signer-keys.ts';
import { lockFile } from '../../src/serve/server-process.ts';
import { loadProtocol } from '../../src/signer/external-jwt-protocol.ts';
import { enrol } from '../../src/signer/enrolment.ts';
import type { Lease } from '../../src/signer/lease.ts';
import { RingFollower } from '../../src/signer/ring-follower.ts';
import { RingInUse } from '../../src/signer/ring-in-use.ts';
import type { UsableRing } from '../../src/signer/ring-user.ts';
import { createServerClient, type ServerClient } from '../../src/signer/server-client.ts';
import type { SignerClock } from '../../src/signer/signer-clock.ts';
import { openStateFolder, type StateFolder } from '../../src/signer/state-folder.ts';
import { leaseBar } from '../../src/signer/status.ts';
import { proxyTo } from '../../src/signer/server-proxy.ts';
import { CutLine, machineCertificate } from './cut-line.ts';
import { eventually } from './dev-server.ts';
import { socketFolder } from './signer-rings.ts';
import { openSigners, type SignersWorldOptions } from './signers.ts';

const CERTIFICATE = await machineCertificate();
const PROTOCOL = loadProtocol();

/** Where a test may step in; each may throw or wait. */
export interface Steps {
  save?: () => Promise<void>;
  use?: () => Promise<void>;
  proven?: () => Promise<boolean>;
}

export interface StartedSigner {
  readonly follower: RingFollower;
  readonly ring: RingInUse;
  readonly lease: Lease;
  /** Of the log, without times. */
  readonly said: readonly string[];
  stop(): Promise<void>;
}

export type SignerWorld = Awaited<ReturnType<typeof openSignerWorld>>;

interface Surroundings extends SignersWorldOptions {
  /** By which signers know the server; `signers.test` is in its certificate, and leads nowhere without a proxy. */
  readonly host?: '127.0.0.1' | 'signers.test';
  /** Of the signers. */
  readonly env?: NodeJS.ProcessEnv;
}

export async function openSignerWorld(t: TestContext, { host = '127.0.0.1', env = {}, ...options }: Surroundings = {}) {
  const line = await CutLine.open(0, CERTIFICATE);
  const url = `https://${host}:${line.port}`;
  const world = await openSigners({ place: { url, pin: () => pinOf(CERTIFICATE.certificate) }, ...options });
  line.leadTo(Number(new URL(world.base).port));
  // In the other order signers would be ended by what they can not reach any more.
  t.after(async () => {
    line.close();
    await world.close();
  });
  const folder = socketFolder(t);
  let monotonic = 0;
  const clock: SignerClock = { now: world.clock.now, monotonic: () => monotonic };
  const steps: Steps = {};
  const done: string[] = [];
  let folders = 0;

  return {
    world, line, url, clock, folder,
    /** What tests put between the steps of a signer. */
    steps,
    /** Each step of rule 6 as it was done: `saved 1-2`, `used 1-2`, `acknowledged 1-2`. */
    done,
    /** Both clocks of signers, and the server's. */
    pass(seconds: number): void {
      monotonic += seconds * 1000;
      world.pass(seconds);
    },
    /** The line leads to a server that gives this lease, as after a restart of the one before. */
    async giveLease(seconds: number | null): Promise<void> {
      line.leadTo(Number(new URL(await world.withLease(seconds)).port));
      line.cut();
      line.heal();
    },
    /** Without the server's: the time in which a signer that was asleep believes. */
    passMonotonic(seconds: number): void {
      monotonic += seconds * 1000;
    },
    async tokenFile(name: string | null = 'cp-1'): Promise<string> {
      const file = join(folder, `token-${(folders += 1)}`);
      writeFileSync(file, `${await world.token(name)}\n`, { mode: 0o600 });
      return file;
    },
    /** An enrolled state folder, open until the test ends. */
    async enrolled(name = 'cp-1'): Promise<StateFolder> {
      const state = await openStateFolder(join(folder, `state-${(folders += 1)}`), lockFile);
      t.after(() => state.release());
      await enrol(state, { tokenFile: await this.tokenFile(name), warn: () => undefined, env }, clock.now());
      return state;
    },
    /** Begins as `signer run` does, up to where it follows. `client` may be another than the real one; `askFirstWithin` null: as long as the real one asks. */
    async start(state: StateFolder, { askFirstWithin = 100, client = (real: ServerClient): ServerClient => real }: { readonly askFirstWithin?: number | null; readonly client?: (real: ServerClient) => ServerClient } = {}): Promise<StartedSigner> {
      const said: string[] = [];
      const log = pino({ base: null, timestamp: false }, { write: (text: string) => void said.push(text) });
      const [enrolled, keys] = [(await state.enrolledAs())!, (await SignerKeys.load(state.dir))!];
      const real = client(createServerClient({ ...enrolled, proxy: proxyTo(enrolled.url, env) }, keys, enrolled.signerId));
      const recorded: ServerClient = { ...real, acknowledge: async (point, ...more) => {
        await real.acknowledge(point, ...more);
        done.push(`acknowledged ${pointText(point)}`);
      } };
      const watched: StateFolder = { ...state, saveRing: async (jwe) => {
        await steps.save?.();
        await state.saveRing(jwe);
        done.push('saved');
      } };
      const follower = new RingFollower({ enrolled, keys, state: watched, client: recorded, clock, mode: 'external', log, ...(askFirstWithin === null ? {} : { askFirstWithin }) });
      t.after(() => { follower.stop(); real.close(); });
      const opened = await follower.first();
      if (opened === null) throw new Error('stopped before there was a ring');
      const lease = await follower.lease(opened.ring);
      const ring = new RingInUse(opened, { now: clock.now, bar: () => leaseBar(lease), encodeKeys: PROTOCOL.encodeKeys });
      const user = {
        use: async (next: UsableRing) => {
          await steps.use?.();
          await ring.use(next);
          done.push(`used ${pointText(next.ring)}`);
        },
        proven: () => steps.proven?.() ?? ring.proven(),
        wipe: () => ring.wipe(),
      };
      const following = follower.follow(user, opened.ring, lease);
      return { follower, ring, lease, said, stop: async () => {
        follower.stop();
        real.close();
        await following;
      } };
    },
    rotate: (force = true) => world.keyRings.rotate({ principalId: 'ada', tenantId: 'tenant', clientRequestId: null }, world.cluster, { force, emergency: false }),
    async record(name = 'cp-1') {
      const records = await world.store.read((tx) => tx.signersOf(world.cluster.issuerId!));
      return records.find((record) => record.name === name)!;
    },
    stored: async () => (await world.store.read((tx) => tx.keyRing(world.cluster.issuerId!)))!,
  };
}

/** The kid by which it signs now. Rejects as the signer refuses. */
export async function signed({ ring }: StartedSigner, { clock }: SignerWorld): Promise<string> {
  const { header } = await ring.sign(claimsAt(ring.ring.issuer, clock.now()));
  return (JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { kid: string }).kid;
}

export const isAcknowledged = ({ follower }: StartedSigner, version: number): Promise<true> => eventually(`version ${version} is acknowledged`, () => (follower.acknowledger.acknowledged?.version ?? 0) >= version || undefined);

/** Claims of a token of `issuer` that an API server asks to be signed at `now`. */
export function claimsAt(issuer: string, now: Date, life = 3600): string {
  const iat = Math.floor(now.getTime() / 1000);
  return Buffer.from(JSON.stringify({ aud: [issuer], exp: iat + life, iat, iss: issuer, nbf: iat, sub: 'system:serviceaccount:default:default' })).toString('base64url');
}
