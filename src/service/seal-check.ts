/** Binds a store to the key-encryption key that it is sealed with, so that a wrong one is found at the start and not at the first signature. */
import type { Sealer } from '../keys/seal.ts';
import type { Store } from '../store/store.ts';

const SETTING = 'sealCheck';
const PLACE = { tenantId: 'server', issuerId: SETTING, kid: SETTING } as const;

/**
 * Opens what the first start sealed; seals it where there is nothing yet.
 * @throws MintmarkError `WrongKeyEncryptionKey`, `SealBroken`.
 */
export async function bindKeyEncryptionKey(store: Store, sealer: Sealer): Promise<void> {
  const sealed = await store.read((tx) => tx.setting(SETTING));
  if (sealed !== null) return void (await sealer.open(Buffer.from(sealed, 'base64'), PLACE));
  const check = Buffer.from(await sealer.seal(Buffer.from(SETTING), PLACE)).toString('base64');
  await store.write((tx) => tx.putSetting(SETTING, check));
}
