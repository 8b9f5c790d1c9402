/** Key rings, their keys and events as rows, and back. Nothing that is read is trusted: see `columns.ts`. */
import type { Insertable, Selectable } from 'kysely';
import { ALGORITHMS, type AlgorithmName, isAlgorithmName, type PublicMembers } from '../domain/algorithms.ts';
import { assertRing, awaitsConfirmation, KEY_STATES, type KeyRing, type KeyState, type PendingRotation, type PublicationGap, type SigningKey, type VerifyOnlyKey } from '../domain/key-ring.ts';
import type { ChangeCause, KeyEvent, KeyEventKind } from '../domain/key-ring-change.ts';
import { automaticRotationDue } from '../domain/rotation-schedule.ts';
import { Columns, ms, msOrNull, object, textRecord, texts } from './columns.ts';
import type { KeyEventRow, KeyRingRow, SigningKeyRow, VerifyOnlyKeyRow } from './sql-tables.ts';
import type { NumberedEvent, RingUpdate } from './store.ts';

const STATES = Object.keys(KEY_STATES) as readonly KeyState[];
const ALGORITHM_NAMES = Object.keys(ALGORITHMS).filter(isAlgorithmName);
const ORIGINS = ['generated', 'imported'] as const satisfies readonly SigningKey['origin'][];
const HOLDERS = ['server'] as const satisfies readonly SigningKey['holder'][];

/** The compiler asks for a line here when the domain gets another kind of event or cause. */
const EVENT_KINDS = Object.keys({
  prepared: true, published: true, activated: true, retired: true, endSet: true, revoked: true, pruned: true, imported: true,
  rotationRequested: true, rotationCancelled: true, policyChanged: true, gapChanged: true, closed: true,
} satisfies Record<KeyEventKind, true>) as readonly KeyEventKind[];
const CAUSES = Object.keys({
  birth: true, manual: true, automatic: true, force: true, emergency: true, revocation: true, expiry: true, publication: true, configuration: true, deletion: true,
  acknowledgement: true, import: true,
} satisfies Record<ChangeCause, true>) as readonly ChangeCause[];

export const keyRingRow = ({ change: { ring }, wakeAt }: RingUpdate, change: number): Insertable<KeyRingRow> => ({
  issuer_id: ring.issuerId, epoch: ring.epoch, version: ring.version, open: Number(ring.open), rotate_every: ring.policy.rotateEvery,
  gap_seconds: ring.gap.seconds, gap_lowered: ring.gap.lowered === null ? null : JSON.stringify(ring.gap.lowered), gap_floor: msOrNull(ring.gap.floor),
  pending: ring.pending === null ? null : JSON.stringify({ ...ring.pending, requestedAt: ms(ring.pending.requestedAt) }),
  created_at: ms(ring.createdAt), updated_at: ms(ring.updatedAt), wake_at: msOrNull(wakeAt), rotation_due: msOrNull(automaticRotationDue(ring)), change,
  awaits_confirmation: Number(awaitsConfirmation(ring)), documented: Number(ring.open || ring.keys.length > 0), verify_only: ring.verifyOnly.length,
});

/** @throws MintmarkError `StoreCorrupt` naming the issuer. */
export function keyRingOf(row: Selectable<KeyRingRow>, parts: Pick<KeyRing, 'keys' | 'verifyOnly' | 'signers'>): KeyRing {
  const column = new Columns(row, `the key ring of issuer ${row.issuer_id}`);
  const gap: PublicationGap = { seconds: column.integer('gap_seconds'), lowered: column.isNull('gap_lowered') ? null : column.json('gap_lowered', lowered), floor: column.dateOrNull('gap_floor') };
  return assertRing({
    issuerId: column.text('issuer_id'), epoch: column.integer('epoch'), version: column.integer('version'), open: column.flag('open'),
    ...parts, policy: { rotateEvery: column.integerOrNull('rotate_every') },
    gap, pending: column.isNull('pending') ? null : column.json('pending', pendingRotation), createdAt: column.date('created_at'), updatedAt: column.date('updated_at'),
  });
}

export const signingKeyRow = (issuerId: string, key: SigningKey, position: number): SigningKeyRow => ({
  issuer_id: issuerId, kid: key.kid, position, algorithm: key.algorithm, public_members: JSON.stringify(key.publicMembers),
  origin: key.origin, holder: key.holder, published: Number(key.published), state: key.state, created_at: ms(key.createdAt),
  published_in: key.publishedIn, published_at: msOrNull(key.publishedAt), activated_at: msOrNull(key.activatedAt),
  retired_at: msOrNull(key.retiredAt), revoked_at: msOrNull(key.revokedAt), expires_at: msOrNull(key.expiresAt), retired_in: key.retiredIn,
});

/** @throws MintmarkError `StoreCorrupt` naming the key and its issuer. */
export function signingKeyOf(row: SigningKeyRow): SigningKey {
  const column = new Columns(row, `the key ${row.kid} of issuer ${row.issuer_id}`);
  const algorithm = column.oneOf('algorithm', ALGORITHM_NAMES);
  return {
    kid: column.text('kid'), algorithm, publicMembers: column.json('public_members', (value) => publicMembers(value, algorithm)),
    origin: column.oneOf('origin', ORIGINS), holder: column.oneOf('holder', HOLDERS), published: column.flag('published'), state: column.oneOf('state', STATES),
    createdAt: column.date('created_at'), publishedIn: column.integer('published_in'), publishedAt: column.dateOrNull('published_at'),
    activatedAt: column.dateOrNull('activated_at'), retiredAt: column.dateOrNull('retired_at'), retiredIn: column.integerOrNull('retired_in'),
    revokedAt: column.dateOrNull('revoked_at'), expiresAt: column.dateOrNull('expires_at'),
  };
}

export const verifyOnlyKeyRow = (issuerId: string, key: VerifyOnlyKey, position: number): VerifyOnlyKeyRow => ({
  issuer_id: issuerId, kid: key.kid, position, algorithm: key.algorithm, public_members: JSON.stringify(key.publicMembers),
  imported_at: ms(key.importedAt), imported_by: key.importedBy, expires_at: msOrNull(key.expiresAt),
});

/** @throws MintmarkError `StoreCorrupt` naming the key and its issuer. */
export function verifyOnlyKeyOf(row: VerifyOnlyKeyRow): VerifyOnlyKey {
  const column = new Columns(row, `the key ${row.kid} of issuer ${row.issuer_id}, which verifies only,`);
  const algorithm = column.oneOf('algorithm', ALGORITHM_NAMES);
  return {
    kid: column.text('kid'), algorithm, publicMembers: column.json('public_members', (value) => publicMembers(value, algorithm)),
    importedAt: column.date('imported_at'), importedBy: column.text('imported_by'), expiresAt: column.dateOrNull('expires_at'),
  };
}

export const keyEventRow = (issuerId: string, event: KeyEvent, number: number): Insertable<KeyEventRow> => ({
  issuer_id: issuerId, number, at: ms(event.at), ring_version: event.ringVersion, kind: event.kind, kid: event.kid,
  from_state: event.from, to_state: event.to, cause: event.cause, actor: event.actor, reason: event.reason,
});

export function keyEventOf(row: KeyEventRow): NumberedEvent {
  const column = new Columns(row, `event ${row.number} of issuer ${row.issuer_id}`);
  const state = (name: 'from_state' | 'to_state'): KeyState | null => (column.isNull(name) ? null : column.oneOf(name, STATES));
  return {
    number: column.integer('number'), at: column.date('at'), ringVersion: column.integer('ring_version'), kind: column.oneOf('kind', EVENT_KINDS),
    kid: column.textOrNull('kid'), from: state('from_state'), to: state('to_state'),
    cause: column.oneOf('cause', CAUSES), actor: column.text('actor'), reason: column.text('reason'),
  };
}

function publicMembers(value: unknown, algorithm: AlgorithmName): PublicMembers | undefined {
  const members = textRecord(value);
  const known: readonly string[] = ALGORITHMS[algorithm].publicMembers;
  const whole = members !== undefined && known.length === Object.keys(members).length && known.every((name) => Object.hasOwn(members, name) && members[name] !== '');
  return whole ? members : undefined;
}

function lowered(value: unknown): NonNullable<PublicationGap['lowered']> | undefined {
  const { fromSeconds, inVersion } = object(value) ?? {};
  return isCount(fromSeconds) && isCount(inVersion) ? { fromSeconds, inVersion } : undefined;
}

function pendingRotation(value: unknown): PendingRotation | undefined {
  const { operationId, requestedAt, requestedBy, revokes, activates } = object(value) ?? {};
  const kids = texts(revokes);
  const whole = typeof operationId === 'string' && typeof requestedBy === 'string' && isCount(requestedAt) && kids !== undefined && typeof activates === 'boolean';
  return whole ? { operationId, requestedAt: new Date(requestedAt), requestedBy, revokes: kids, activates } : undefined;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
