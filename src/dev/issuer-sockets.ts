/**
 * A signer's socket for each issuer of `mintmark dev`, in this very process: rings come from the store, with no enrolment,
 * so that a local API server can use them at once.
 *
 * Follows the store's changes as the public host does. One issuer that can not be served is told and takes none of the
 * others away.
 */
import { createHash, randomUUID } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { MintmarkError } from '../domain/errors.ts';
import { keysIn } from '../domain/key-ring.ts';
import { ringForSigner } from '../domain/ring-for-signer.ts';
import { weakPlace } from '../keys/guarded-folder.ts';
import { RingSigner } from '../keys/ring-signer.ts';
import type { Sealer } from '../keys/seal.ts';
import type { Clock } from '../service/clock.ts';
import { FollowLoop } from '../service/follow-loop.ts';
import { type ExternalSigner, serveExternalSigner } from '../signer/external-mode.ts';
import type { UsableRing } from '../signer/ring-user.ts';
import { socketPathFits } from '../signer/socket.ts';
import type { Store } from '../store/store.ts';

export interface IssuerSockets {
  /** The path of an issuer's socket; null where it has none. */
  pathOf(issuerId: string): string | null;
  /** Serves one issuer now, rather than when its turn comes. */
  serve(issuerId: string): Promise<void>;
  /** Serves all others, and follows, until `stop`. */
  start(): void;
  stop(): Promise<void>;
}

/** The folder of a home's sockets: in the home, or, where a path there would be too long or others can write above it, a short one of its own. */
export async function socketsFolder(home: string): Promise<string> {
  const folder = join(home, 'signers');
  if (socketPathFits(join(folder, `${randomUUID()}.sock`)) && (await weakPlace(folder)) === null) return folder;
  return join(tmpdir(), `mintmark-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`);
}

interface Deps {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the sockets are; for this process alone. */
  readonly folder: string;
}

/** Changes that are read at once. */
const MOST_AT_ONCE = 1000;
/** Each is a file descriptor, and an opened key. */
const MOST_SOCKETS = 1000;
/** Who signs, as rings name it. */
const SIGNER = 'dev';
const UNCOUNTED = { signed: () => undefined, refused: () => undefined, keysFetched: () => undefined };
/** The home is locked, and the sockets are in it or in a folder of its own. */
const NO_LOCK = () => ({ release: () => undefined });

export function createIssuerSockets({ store, sealer, clock, log, folder }: Deps): IssuerSockets {
  const served = new Map<string, ExternalSigner>();
  let seen: number | null = null;

  async function round(): Promise<void> {
    const since = seen;
    const [last, ids] = await store.read(async (tx) => {
      if (since === null) return [await tx.lastChange(), await tx.issuerIds()] as const;
      const changes = await tx.changesSince(since, MOST_AT_ONCE);
      return [changes.at(-1)?.change ?? since, changes.map(({ issuerId }) => issuerId)] as const;
    });
    if (since === null && ids.length > MOST_SOCKETS) log.warn({ issuers: ids.length, served: MOST_SOCKETS }, 'there are more issuers than sockets: the first have one, and those that change while there is room');
    for (const id of ids) await settle(id).catch((err: unknown) => log.error({ err, issuerId: id }, 'the socket of an issuer can not be served'));
    seen = last;
  }

  /** Makes the socket of an issuer what its ring is now. */
  async function settle(issuerId: string): Promise<void> {
    const signer = served.get(issuerId);
    if (signer === undefined && served.size >= MOST_SOCKETS) return;
    const opened = await openStoredRing(store, sealer, issuerId);
    if (opened !== null && signer !== undefined) return signer.user.use(opened);
    if (opened !== null && opened.ring.open) served.set(issuerId, await serveExternalSigner(opened, { path: join(folder, `${issuerId}.sock`) }, { now: clock.now, bar: () => null, observer: UNCOUNTED, lockFile: NO_LOCK, log }));
    if (opened === null && served.delete(issuerId)) await signer?.stop();
  }

  const loop = new FollowLoop(round, clock, log, 'the sockets for API servers');
  return {
    pathOf: (issuerId) => served.get(issuerId)?.path ?? null,
    serve: settle,
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await Promise.all([...served.values()].map((signer) => signer.stop()));
      await rmdir(folder).catch(() => 'it is not there, or something else is in it');
    },
  };
}

/** The ring with its opened active key, as it is in the store now; null when nothing of it verifies any more. */
async function openStoredRing(store: Store, sealer: Sealer, issuerId: string): Promise<UsableRing | null> {
  const read = await store.read(async (tx) => {
    const [issuer, ring] = [await tx.issuer(issuerId), await tx.keyRing(issuerId)];
    const active = ring === null ? undefined : keysIn(ring, 'active')[0];
    return issuer === null || ring === null ? null : { issuer, ring, active, sealed: active === undefined ? null : await tx.sealedKey(issuerId, active.kid), now: store.now() };
  });
  if (read === null) return null;
  const { issuer, active, sealed, now } = read;
  const ring = ringForSigner(read.ring, { issuer: issuer.url, signer: SIGNER, leaseSeconds: null }, now);
  if (active === undefined) return ring.keys.length === 0 ? null : { ring, signer: null };
  const plain = sealed === null ? null : Buffer.from(await sealer.open(sealed, { tenantId: issuer.tenantId, issuerId, kid: active.kid }));
  const signer = plain === null ? null : await RingSigner.open(active, plain);
  if (signer === null) throw new MintmarkError('SealBroken', `The private half of the active key '${active.kid}' of the issuer ${issuerId} is not in the store, or not that of its public half.`);
  return { ring, signer };
}

