/**
 * `mintmark admin`: what has to be done on the store itself, because nobody can log in yet, or any more.
 *
 * Opens the store beside a server that may run or not. Finds store and key-encryption key by flags or by the server's
 * configuration, and refuses a pair that does not belong together. Changes no tables under a server that runs. Leaves to
 * `service/bootstrap.ts` what is done.
 */
import { access } from 'node:fs/promises';
import { examineConfig } from '../config/load-config.ts';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { readKeyEncryptionKey } from '../keys/key-encryption/file.ts';
import { createSealer } from '../keys/seal.ts';
import { lockStore } from '../serve/server-process.ts';
import { type Bootstrapped, bootstrap, resetOwner } from '../service/bootstrap.ts';
import { systemClock } from '../service/clock.ts';
import { bindKeyEncryptionKey } from '../service/seal-check.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';

interface StoreFlags {
  readonly config?: string | undefined;
  readonly store?: string | undefined;
  readonly keyEncryptionKey?: string | undefined;
}

interface Places {
  readonly store: string;
  readonly keyEncryptionKey: string;
  /** Where to log in, as far as the configuration was looked at. */
  readonly managementUrl: string | null;
}

type Told<T> = T & Pick<Places, 'managementUrl'>;

/** Makes the store where there is none. @throws MintmarkError, `OperationNotAllowed` the second time. */
export const bootstrapStore = (flags: StoreFlags & { readonly tenantName: string; readonly subscriptionName: string }, env: NodeJS.ProcessEnv): Promise<Told<Bootstrapped>> =>
  withStore(flags, env, (store) => bootstrap(store, { tenant: flags.tenantName, subscription: flags.subscriptionName }));

/** @throws MintmarkError, `ResourceNotFound` where there is no such Owner. */
export async function resetStoreOwner(flags: StoreFlags & { readonly clientId?: string | undefined }, env: NodeJS.ProcessEnv): Promise<Told<Omit<Bootstrapped, 'subscriptionId'>>> {
  const { store } = await placesOf(flags, env);
  await access(store).catch((cause: unknown) => { throw new MintmarkError('InvalidConfiguration', `There is no store at ${store}.`, { cause }); });
  return withStore(flags, env, (opened) => resetOwner(opened, flags.clientId ?? null));
}

async function withStore<T>(flags: StoreFlags, env: NodeJS.ProcessEnv, work: (store: Store) => Promise<T>): Promise<Told<T>> {
  const { store: file, keyEncryptionKey, managementUrl } = await placesOf(flags, env);
  const sealer = createSealer(await readKeyEncryptionKey(keyEncryptionKey));
  const store = await openBesideServer(file);
  try {
    await bindKeyEncryptionKey(store, sealer);
    return { ...await work(store), managementUrl };
  } finally {
    await store.close();
  }
}

/** An older store is brought up to date only where no server runs on it: one of before would go on writing into tables that it does not know. */
async function openBesideServer(file: string): Promise<Store> {
  const lock = lockWhereNoneRuns(file);
  try {
    return await openSqliteStore({ file, clock: systemClock.now, bringUpToDate: lock !== null });
  } finally {
    lock?.release();
  }
}

/** Null while a server holds the lock of the store. */
function lockWhereNoneRuns(file: string): ReturnType<typeof lockStore> | null {
  try {
    return lockStore(file);
  } catch (error) {
    if (isMintmarkError(error, 'HomeInUse')) return null;
    throw error;
  }
}

/** What is not a flag is looked for in the configuration of `serve`: its file and the environment. */
async function placesOf({ config, store, keyEncryptionKey }: StoreFlags, env: NodeJS.ProcessEnv): Promise<Places> {
  if (store !== undefined && keyEncryptionKey !== undefined) return { store, keyEncryptionKey, managementUrl: null };
  const { values, faults } = await examineConfig({ config, set: [] }, env, systemClock.now());
  const found = { store: store ?? values['store.file'], keyEncryptionKey: keyEncryptionKey ?? values['keyEncryptionKey.file'] };
  if (found.store !== undefined && found.keyEncryptionKey !== undefined) return { store: found.store, keyEncryptionKey: found.keyEncryptionKey, managementUrl: values['management.url'] ?? null };
  const about = faults.filter((fault) => config === fault.about || ['store.file', 'keyEncryptionKey.file'].includes(fault.about)).map((fault) => `${fault.about} ${fault.problem}`);
  throw new MintmarkError('InvalidConfiguration', `Which store? Give --store and --key-encryption-key, or the --config of the server.${about.map((line) => `\n- ${line}`).join('')}`);
}
