import { openMemoryStore } from '../../src/store/memory.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('memory', async (t, clock) => {
  const store = openMemoryStore({ clock });
  t.after(() => store.close());
  return store;
});
