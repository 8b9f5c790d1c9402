/** Rings as a signer has them, with real keys; and a signer's service behind a real socket, with everything in memory. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { ALGORITHMS, type AlgorithmName, type PublicMembers } from '../../src/domain/algorithms.ts';
import { RING_FORM, type SignerRing } from '../../src/domain/ring-for-signer.ts';
import { keyId } from '../../src/keys/generate.ts';
import { RingSigner } from '../../src/keys/ring-signer.ts';
import { lockFile } from '../../src/serve/server-process.ts';
import { createExternalJwtService } from '../../src/signer/external-jwt-signer.ts';
import { loadProtocol } from '../../src/signer/external-jwt-protocol.ts';
import { type OpenedForSigning, RingInUse, type SigningBar } from '../../src/signer/ring-in-use.ts';
import type { UsableRing } from '../../src/signer/ring-user.ts';
import { openSocket } from '../../src/signer/socket.ts';

export const ISSUER = 'https://eastus.oic.example.com/tenant/00000000-0000-4000-8000-000000000001/';

export interface TestKey {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A key of the algorithm, RSA of 2048 bits. */
export function makeKey(algorithm: AlgorithmName = 'RS256'): TestKey {
  const { keyType, publicMembers, ...row } = ALGORITHMS[algorithm];
  const { publicKey, privateKey } = keyType === 'RSA' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: (row as { readonly curve: string }).curve });
  const jwk = publicKey.export({ format: 'jwk' });
  return { kid: keyId(publicKey), algorithm, publicMembers: Object.fromEntries(publicMembers.map((member) => [member, String(jwk[member])])), publicKey, privateKey };
}

const listed = ({ kid, algorithm, publicMembers }: TestKey, expiresAt: Date | null = null) => ({ kid, algorithm, publicMembers, expiresAt: expiresAt?.toISOString() ?? null });

interface RingParts {
  readonly active: TestKey | null;
  readonly prepared?: TestKey;
  readonly retired?: readonly (readonly [TestKey, Date | null])[];
  readonly verifyOnly?: readonly (readonly [TestKey, Date | null])[];
  readonly version?: number;
  readonly issuerId?: string;
  /** The signer's id. */
  readonly signer?: string;
  readonly gapSeconds?: number;
  /** Of the server's clock: when the ring changed last, and when it was sent. */
  readonly updatedAt?: Date;
  readonly sentAt?: Date;
}

/** Keys in the order retired, active, prepared, as an issuer's ring has them. */
export async function openedRing({ active, prepared, retired = [], verifyOnly = [], version = 1, issuerId = '00000000-0000-4000-8000-000000000001', signer: signerId = 'cp-1', gapSeconds = 600, sentAt = new Date(), updatedAt = sentAt }: RingParts): Promise<UsableRing> {
  const ring: SignerRing = {
    typ: RING_FORM, issuer: ISSUER, issuerId, signer: signerId, epoch: 1, version, sentAt: sentAt.toISOString(),
    open: active !== null, gapSeconds, leaseSeconds: null, updatedAt: updatedAt.toISOString(),
    keys: [
      ...retired.map(([key, end]) => ({ ...listed(key, end), state: 'retired' as const })),
      ...(active === null ? [] : [{ ...listed(active), state: 'active' as const }]),
      ...(prepared === undefined ? [] : [{ ...listed(prepared), state: 'prepared' as const }]),
    ],
    verifyOnly: verifyOnly.map(([key, end]) => listed(key, end)),
    active: active === null ? null : { kid: active.kid },
  };
  return { ring, signer: active === null ? null : await RingSigner.open(active, active.privateKey.export({ type: 'pkcs8', format: 'der' })) };
}

export const SILENT = pino({ level: 'silent' });
export const NO_OBSERVER = { signed: () => undefined, refused: () => undefined, keysFetched: () => undefined };

/** A folder for sockets, removed after the test. */
export function socketFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mm-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A signer behind a socket, ended with the test. */
export async function serveRing(t: TestContext, opened: OpenedForSigning, around: { readonly now?: () => Date; readonly bar?: SigningBar } = {}) {
  const protocol = loadProtocol();
  const ring = new RingInUse(opened, { now: () => new Date(), bar: () => null, encodeKeys: protocol.encodeKeys, ...around });
  const service = createExternalJwtService(ring, protocol, NO_OBSERVER, SILENT);
  const socket = await openSocket({ path: join(socketFolder(t), 's.sock') }, lockFile, service.accept);
  t.after(async () => {
    socket.close();
    await service.stop(0);
  });
  return { ring, socket: socket.path };
}
