/**
 * Key-file mode of a signer: its ring as the files that an API server reads at its start, `sa.key` and `sa.pub`.
 *
 * Owns: that `sa.pub` has every key before `sa.key` signs with one, so that a restart at any moment meets files that
 * belong together; when a restart is needed; and when the API server has proved that it took place (rule 5), by what it
 * serves, or by an operator's word. Leaves to the follower when a ring is used and acknowledged.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { after, DAY } from '../domain/durations.ts';
import { isLater, pointText, type SignerRing } from '../domain/ring-for-signer.ts';
import { publicPem } from '../keys/key-files.ts';
import { removePrivateFile } from '../keys/private-file.ts';
import type { RingSigner } from '../keys/ring-signer.ts';
import { KEY_FILES } from './api-server-flags.ts';
import { type ApiServerFacts, type NoFacts, unproven } from './api-server-proof.ts';
import { assertGuardedKeys, writeShared } from './host-files.ts';
import { confirmedPoint, type HeldKey, isOf, type KeyFilesState, readState, type RetainedKey, writeState } from './key-files-state.ts';
import type { RestartRing } from './restart.ts';
import { KEY_GONE, restartInWords } from './restart-due.ts';

export interface KeyFilesDeps {
  readonly folder: string;
  /** What the API server serves now; null without a kubeconfig: then an operator confirms. */
  readonly facts: (() => Promise<ApiServerFacts | NoFacts>) | null;
  /** Restarts the API server for a ring, once however often it is called; null where that is not allowed. */
  readonly restart: ((ring: RestartRing) => Promise<void>) | null;
  /** The kubelet's tokens for the API server live a year, so their keys verify there for as long (`--keep-auto-extension`). */
  readonly keepAutoExtension: boolean;
  readonly now: () => Date;
  readonly log: Logger;
}

/** A ring that may be used. */
interface UsableRing {
  readonly ring: SignerRing;
  readonly signer: RingSigner | null;
}

/** After its key left the ring, which is a day after it signed last, for so long a token of a year may still be in use. */
const EXTENSION = 365 * DAY;

/** Is a `RingUser` of the signer. */
export class KeyFiles {
  readonly #deps: KeyFilesDeps;
  #ring: SignerRing | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #told: string | null = null;

  constructor(deps: KeyFilesDeps) {
    this.#deps = deps;
  }

  /** Writes the files, and restarts the API server or says that someone has to. */
  use(opened: UsableRing): Promise<void> {
    return this.#inTurn(() => this.#use(opened));
  }

  /** Whether the API server verifies by every key of the ring in use, and by none that was revoked, and signs with the active one. */
  proven(): Promise<boolean> {
    return this.#inTurn(() => this.#proven());
  }

  /** The signer was deleted: the private key goes. An API server that runs keeps it in memory until it ends; it can not start again. */
  wipe(): Promise<void> {
    return this.#inTurn(() => wipeKeyFiles(this.#deps.folder, this.#deps.log));
  }

  /** One after the other: an API server takes seconds to answer, and what it says is of the ring that it was asked for. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #use({ ring, signer }: UsableRing): Promise<void> {
    const { folder, now } = this.#deps;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await assertGuardedKeys(folder, 'InvalidConfiguration');
    const before = await readState(folder);
    const state = nextState(before, ring, this.#deps, now());
    await writeShared(join(folder, KEY_FILES.publicKeys), publicKeysText(ring, state, now()));
    // Only now: the key that signs from the next start on is in sa.pub already.
    if (signer === null) await removePrivateFile(join(folder, KEY_FILES.privateKey));
    else await signer.writePem(join(folder, KEY_FILES.privateKey));
    await writeState(folder, state);
    // At the very first there is no API server yet that reads these files: attaching restarts it.
    const isFirst = before === null && this.#ring === null;
    this.#ring = ring;
    // Without sa.key it would not come up: as long as it runs, it verifies.
    if (signer === null) return this.#deps.log.error({ folder }, `the issuer ${ring.issuer} was deleted: ${KEY_GONE}`);
    if (!isFirst && state.restartDue && !(await this.#proven())) await this.#restart(state);
  }

  async #proven(): Promise<boolean> {
    const [ring, { folder, facts }] = [this.#ring, this.#deps];
    // Before the state is read: that takes long, and what is written below has to be what was read.
    const seen = ring === null || facts === null ? null : await facts();
    if (ring === null) return false;
    const state = (await readState(folder)) ?? (await this.#anew(ring));
    if (!isOf(state, ring) || pointText(state) !== pointText(ring)) return this.#tell(ring, `${folder} has the state of ${pointText(state)}: does another signer write there?`);
    const fault = seen === null ? await this.#unconfirmed(state) : unproven(seen, expectedOf(ring, state, this.#deps.now()));
    if (fault !== null) return this.#tell(ring, fault);
    await writeState(folder, { ...state, proved: { kids: state.keys.map(({ kid }) => kid), activeKid: state.activeKid }, revoked: [], restartDue: false });
    this.#told = null;
    return true;
  }

  /** `signer detach` forgets what was known, also beside a signer that runs. */
  async #anew(ring: SignerRing): Promise<KeyFilesState> {
    const state = nextState(null, ring, this.#deps, this.#deps.now());
    await writeState(this.#deps.folder, state);
    return state;
  }

  /** For the version from which on the files ask for it: with later ones that ask for nothing more it is the same restart. */
  async #restart(state: KeyFilesState): Promise<void> {
    const { restart, log, facts, folder } = this.#deps;
    const { since, signer, activeKid: kid, revoked } = state;
    const [ring, words] = [pointText(since), restartInWords(state, { folder, isAllowed: restart !== null, isProvable: facts !== null })];
    if (restart !== null) {
      // Before it is tried: what fails then is told by others, who know of no key.
      if (revoked.length > 0) log.warn({ ring, kid, revoked }, words);
      return restart({ ...since, signer });
    }
    if (revoked.length === 0) log.warn({ ring, kid }, words);
    else log.error({ ring, kid, revoked }, words);
  }

  /** An operator's word is for a version, and for what it lists; later versions that ask for nothing more need no other. */
  async #unconfirmed(state: KeyFilesState): Promise<string | null> {
    const confirmed = await confirmedPoint(this.#deps.folder, state);
    if (!state.restartDue || (confirmed !== null && !isLater(state.since, confirmed))) return null;
    return `Nobody has confirmed that the API server was restarted with the key files of ${pointText(state.since)}.`;
  }

  /** Once for each fault: it is looked for every two seconds. */
  #tell(ring: SignerRing, fault: string): false {
    if (this.#told !== fault) this.#deps.log.info({ ring: pointText(ring) }, `not acknowledged yet: ${fault}`);
    this.#told = fault;
    return false;
  }
}

/** The private key goes, whatever else can be read here: also when nothing ran while the signer was deleted. */
export async function wipeKeyFiles(folder: string, log: Logger): Promise<void> {
  await removePrivateFile(join(folder, KEY_FILES.privateKey));
  log.error({ folder }, `this signer was deleted on its server: ${KEY_GONE}`);
}

const heldKeys = ({ keys, verifyOnly }: SignerRing): readonly HeldKey[] => [
  ...keys.map(({ kid, expiresAt }) => ({ kid, expiresAt, signs: true })),
  ...verifyOnly.map(({ kid, expiresAt }) => ({ kid, expiresAt, signs: false })),
];

/**
 * What is known after a ring: the keys that went before their end were revoked, and so are those of another enrolment, by
 * whose files the API server may still run. Nothing else of another counts.
 */
function nextState(before: KeyFilesState | null, ring: SignerRing, { keepAutoExtension }: Pick<KeyFilesDeps, 'keepAutoExtension'>, now: Date): KeyFilesState {
  const keys = heldKeys(ring);
  const former = before !== null && isOf(before, ring) ? before : null;
  const gone = (before?.keys ?? []).filter(({ kid }) => !keys.some((key) => key.kid === kid));
  // The server leaves a key out as soon as its own clock says so, and the clock here may be behind it.
  const atServer = [now, new Date(ring.updatedAt), new Date(ring.sentAt)];
  const hasEnded = ({ expiresAt }: HeldKey): boolean => expiresAt !== null && atServer.some((time) => new Date(expiresAt) <= time);
  const revoked = [...new Set([...(before?.revoked ?? []), ...gone.filter((key) => !hasEnded(key)).map(({ kid }) => kid)])].filter((kid) => !keys.some((key) => key.kid === kid));
  const ended = keepAutoExtension && former !== null ? gone.filter((key) => key.signs && hasEnded(key)) : [];
  const retained = [...(former?.retained ?? []), ...ended.map(({ kid, expiresAt }): RetainedKey => ({ kid, until: after(new Date(expiresAt!), EXTENSION).toISOString() }))].filter(({ until }) => new Date(until) > now);
  const activeKid = ring.active?.kid ?? null;
  const proved = former?.proved ?? null;
  const isProved = proved !== null && proved.activeKid === activeKid && keys.every(({ kid }) => proved.kids.includes(kid)) && revoked.length === 0;
  const asksForMore = former === null || former.activeKid !== activeKid || keys.some(({ kid }) => !former.keys.some((key) => key.kid === kid)) || revoked.some((kid) => !former.revoked.includes(kid));
  const { epoch, version, issuerId, signer } = ring;
  const since = asksForMore ? { epoch, version } : former.since;
  return { issuerId, signer, epoch, version, since, activeKid, keys, revoked, retained, proved, restartDue: !isProved, pems: pemsOf(ring, retained, former?.pems ?? {}) };
}

/** Public halves by kid, of the ring and of what is kept after it. */
function pemsOf({ keys, verifyOnly }: SignerRing, retained: readonly RetainedKey[], former: KeyFilesState['pems']): KeyFilesState['pems'] {
  const own = [...keys, ...verifyOnly].map(({ kid, algorithm, publicMembers }) => [kid, publicPem(algorithm, publicMembers)] as const);
  return Object.fromEntries([...retained.map(({ kid }) => [kid, former[kid] ?? ''] as const), ...own]);
}

/** In the ring's order; each key under its kid, which PEM readers pass over. */
function publicKeysText(ring: SignerRing, { keys, retained, pems }: KeyFilesState, now: Date): string {
  const living = keys.filter(({ expiresAt }) => expiresAt === null || new Date(expiresAt) > now).map(({ kid }) => kid);
  const lines = [...living, ...retained.map(({ kid }) => kid)].map((kid) => `${kid}\n${pems[kid]}`);
  return `Written by Mintmark for ${ring.issuer}\n${lines.join('')}`;
}

function expectedOf({ issuer }: SignerRing, { activeKid, keys, revoked }: KeyFilesState, now: Date): Parameters<typeof unproven>[1] {
  const living = keys.filter(({ expiresAt }) => expiresAt === null || new Date(expiresAt) > now);
  return { issuer, activeKid, kids: living.map(({ kid }) => kid), revoked };
}
