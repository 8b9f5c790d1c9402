/**
 * Brings a store's tables up to date: forward only, in the one transaction that it is given, so all or nothing.
 *
 * A migration, once released, is never changed; another one is added to the list.
 */
import type { Kysely, QueryExecutorProvider } from 'kysely';
import { MintmarkError } from '../../domain/errors.ts';
import type { Tables } from '../sql-tables.ts';
import { createFirstTables } from './0001-first.ts';
import { createPeopleIndexes } from './0002-people.ts';
import { prepareStatistics } from './0003-statistics.ts';
import { createSignerTables } from './0004-signers.ts';
import { prepareIdentities } from './0005-identities.ts';
import { prepareSignerRefusals } from './0006-signer-refusals.ts';
import { prepareSignerReplacements } from './0007-signer-replacements.ts';
import { prepareSignerPrograms } from './0008-signer-programs.ts';

/** The types in which databases differ. */
export interface ColumnTypes {
  readonly bytes: string;
}

type Migration = (db: QueryExecutorProvider, types: ColumnTypes) => Promise<void>;

/** In order; the names are what the store remembers. */
const MIGRATIONS: readonly (readonly [string, Migration])[] = [
  ['0001-first', createFirstTables], ['0002-people', createPeopleIndexes], ['0003-statistics', prepareStatistics], ['0004-signers', createSignerTables], ['0005-identities', prepareIdentities],
  ['0006-signer-refusals', prepareSignerRefusals], ['0007-signer-replacements', prepareSignerReplacements], ['0008-signer-programs', prepareSignerPrograms],
];

/** `bringUpToDate` false: a store that is behind is refused. @throws MintmarkError `InvalidConfiguration` for that, and when a newer version of Mintmark has written the store. */
export async function migrate(db: Kysely<Tables>, types: ColumnTypes, now: Date, bringUpToDate: boolean): Promise<void> {
  const migrations = db.withTables<{ migrations: { name: string; applied_at: number } }>();
  await db.schema.createTable('migrations').ifNotExists()
    .addColumn('name', 'text', (column) => column.primaryKey()).addColumn('applied_at', 'bigint', (column) => column.notNull()).execute();
  const applied = new Set((await migrations.selectFrom('migrations').select('name').execute()).map(({ name }) => name));
  const unknown = [...applied].filter((name) => !MIGRATIONS.some(([known]) => known === name));
  if (unknown.length > 0) throw new MintmarkError('InvalidConfiguration', `It was written by a newer version of Mintmark (it has ${unknown.join(', ')}). Start that version, or restore a backup that this one has made; going back is not possible.`);
  const missing = MIGRATIONS.filter(([known]) => !applied.has(known));
  if (missing.length > 0 && !bringUpToDate) throw new MintmarkError('InvalidConfiguration', `It is that of an older version of Mintmark (it has no ${missing.map(([name]) => name).join(', ')}), whose server runs on it and would not know what became of it. Use the program of that server; or stop the server, and this program brings the store up to date.`);
  for (const [name, run] of missing) {
    await run(db, types);
    await migrations.insertInto('migrations').values({ name, applied_at: now.getTime() }).execute();
  }
}
