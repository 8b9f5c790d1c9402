/** What a start does about rings that were put to sleep under another configuration. */
import { freezeWindowText } from '../domain/freeze-windows.ts';
import type { RingSettings } from '../domain/rotation-schedule.ts';
import type { Store } from '../store/store.ts';

const SETTING = 'freezeWindows';

/**
 * Wakes the rings that may sleep for too long now: those with another publication gap, and, when the freeze windows are
 * others than at the last start, those that have been due since, which may wait for the end of a window that is no more.
 * A ring that is not due is woken when it is, whatever the windows are; to be woken too early does no harm.
 */
export async function adoptRingSettings(store: Store, { publicationGapSeconds, freezeWindows }: RingSettings): Promise<void> {
  const windows = freezeWindows.map(freezeWindowText).join(', ');
  await store.write(async (tx) => {
    await tx.wakeRingsWithOtherGap(publicationGapSeconds, tx.now);
    if (((await tx.setting(SETTING)) ?? '') === windows) return;
    await tx.wakeOverdueRings(tx.now);
    await tx.putSetting(SETTING, windows);
  });
}
