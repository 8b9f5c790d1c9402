/**
 * The first tables, as they were at the first release: not to be changed. Types are those that SQLite and PostgreSQL
 * share, except for bytes; what the columns mean is in `sql-tables.ts`.
 */
import { type QueryExecutorProvider, sql } from 'kysely';
import type { ColumnTypes } from './migrate.ts';

/** A question mark: may be null. */
type ColumnType = 'text' | 'text?' | 'bigint' | 'bigint?' | 'bytes';

interface Table {
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly key: readonly string[];
  readonly unique?: string;
  /** The rows of these columns exist in that table, under its key. */
  readonly within?: readonly [readonly string[], string];
}

const TABLES: Readonly<Record<string, Table>> = {
  store_state: { columns: { id: 'bigint', change: 'bigint', clock: 'bigint' }, key: ['id'] },
  tenants: { columns: { key: 'text', id: 'text', display_name: 'text', created_at: 'bigint' }, key: ['key'] },
  subscriptions: { columns: { key: 'text', id: 'text', tenant_key: 'text', tenant_id: 'text', display_name: 'text', created_at: 'bigint' }, key: ['key'] },
  principals: { columns: { key: 'text', id: 'text', tenant_id: 'text', display_name: 'text', secret_hashes: 'text', created_at: 'bigint' }, key: ['key'] },
  role_assignments: { columns: { principal_key: 'text', principal_id: 'text', role: 'text', scope_key: 'text', scope: 'text' }, key: ['principal_key', 'scope_key', 'role'] },
  resources: {
    columns: {
      key: 'text', id: 'text', type: 'text', name: 'text', tenant_id: 'text', subscription_id: 'text', location: 'text', tags: 'text', envelope: 'text',
      properties: 'text', issuer_id: 'text?', version: 'bigint', created_at: 'bigint', updated_at: 'bigint',
    },
    key: ['key'],
  },
  issuers: {
    columns: {
      id: 'text', tenant_id: 'text', subscription_id: 'text', cluster_id: 'text', url: 'text', path: 'text', region: 'text', mode: 'text',
      created_at: 'bigint', deleted_at: 'bigint?',
    },
    key: ['id'],
    unique: 'path',
  },
  key_rings: {
    columns: {
      issuer_id: 'text', epoch: 'bigint', version: 'bigint', open: 'bigint', rotate_every: 'bigint?', gap_seconds: 'bigint', gap_lowered: 'text?',
      gap_floor: 'bigint?', pending: 'text?', created_at: 'bigint', updated_at: 'bigint', wake_at: 'bigint?', change: 'bigint',
      awaits_confirmation: 'bigint', documented: 'bigint',
    },
    key: ['issuer_id'],
    unique: 'change',
  },
  signing_keys: {
    columns: {
      issuer_id: 'text', kid: 'text', position: 'bigint', algorithm: 'text', public_members: 'text', origin: 'text', holder: 'text', published: 'bigint',
      state: 'text', created_at: 'bigint', published_in: 'bigint', published_at: 'bigint?', activated_at: 'bigint?', retired_at: 'bigint?',
      revoked_at: 'bigint?', expires_at: 'bigint?',
    },
    key: ['issuer_id', 'kid'],
    within: [['issuer_id'], 'key_rings'],
  },
  sealed_keys: { columns: { issuer_id: 'text', kid: 'text', sealed: 'bytes' }, key: ['issuer_id', 'kid'], within: [['issuer_id', 'kid'], 'signing_keys'] },
  revoked_kids: { columns: { issuer_id: 'text', kid: 'text' }, key: ['issuer_id', 'kid'] },
  key_events: {
    columns: {
      issuer_id: 'text', number: 'bigint', at: 'bigint', ring_version: 'bigint', kind: 'text', kid: 'text?', from_state: 'text?', to_state: 'text?',
      cause: 'text', actor: 'text', reason: 'text',
    },
    key: ['issuer_id', 'number'],
  },
  operations: {
    columns: {
      id: 'text', tenant_id: 'text', subscription_id: 'text', resource_id: 'text', issuer_id: 'text?', kind: 'text', status: 'text', started_at: 'bigint',
      ended_at: 'bigint?', error: 'text?', ends_with_change: 'bigint?', result: 'text',
    },
    key: ['id'],
  },
  requests: { columns: { key: 'text', operation_id: 'text', at: 'bigint' }, key: ['key'] },
  issued_tokens: {
    columns: { issuer_id: 'text', jti: 'text', kid: 'text', subject: 'text', audiences: 'text', issued_at: 'bigint', expires_at: 'bigint' },
    key: ['issuer_id', 'jti'],
  },
  publishers: { columns: { name: 'text', change: 'bigint', at: 'bigint' }, key: ['name'] },
  server_keys: { columns: { purpose: 'text', kid: 'text', public_jwk: 'text', sealed: 'bytes', created_at: 'bigint' }, key: ['purpose', 'kid'] },
  settings: { columns: { name: 'text', value: 'text' }, key: ['name'] },
};

/** Table, columns, and the condition of those rows alone that the index holds. */
const INDEXES: readonly (readonly [string, readonly string[], string?])[] = [
  ['subscriptions', ['tenant_key']],
  ['resources', ['type', 'key']],
  ['resources', ['type', 'key', 'issuer_id'], 'issuer_id is not null'],
  ['key_rings', ['wake_at', 'issuer_id'], 'wake_at is not null'],
  ['key_rings', ['change', 'issuer_id'], 'awaits_confirmation = 1'],
  ['key_rings', ['issuer_id', 'documented'], 'documented = 1'],
  ['key_rings', ['gap_seconds', 'open'], 'open = 1'],
  ['operations', ['ends_with_change', 'id'], "status = 'InProgress'"],
  ['operations', ['ended_at'], 'ended_at is not null'],
  ['requests', ['at']],
  ['issued_tokens', ['issuer_id', 'expires_at', 'kid']],
  ['issued_tokens', ['expires_at']],
];

export async function createFirstTables(db: QueryExecutorProvider, types: ColumnTypes): Promise<void> {
  for (const [name, table] of Object.entries(TABLES)) await createTable(db, name, table, types);
  for (const [index, [table, columns, where]] of INDEXES.entries()) await createIndex(db, `${table}_${index}`, table, columns, where);
  await sql`insert into store_state (id, change, clock) values (1, 0, 0)`.execute(db);
}

async function createTable(db: QueryExecutorProvider, name: string, { columns, key, unique, within }: Table, types: ColumnTypes): Promise<void> {
  const constraints = [
    sql`primary key (${refs(key)})`,
    ...(unique === undefined ? [] : [sql`unique (${refs([unique])})`]),
    ...(within === undefined ? [] : [sql`foreign key (${refs(within[0])}) references ${sql.table(within[1])}`]),
  ];
  const lines = Object.entries(columns).map(([column, type]) => {
    const optional = type.endsWith('?');
    const plain = type === 'bytes' ? types.bytes : type.replace('?', '');
    return sql`${sql.ref(column)} ${sql.raw(plain)} ${sql.raw(optional ? '' : 'not null')}`;
  });
  await sql`create table ${sql.table(name)} (${sql.join([...lines, ...constraints])})`.execute(db);
}

async function createIndex(db: QueryExecutorProvider, name: string, table: string, columns: readonly string[], where: string | undefined): Promise<void> {
  const condition = sql.raw(where === undefined ? '' : `where ${where}`);
  await sql`create index ${sql.table(name)} on ${sql.table(table)} (${refs(columns)}) ${condition}`.execute(db);
}

const refs = (columns: readonly string[]): ReturnType<typeof sql.join> => sql.join(columns.map((column) => sql.ref(column)));
