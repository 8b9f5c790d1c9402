/** How many signers of a state in memory there are, by how they are. */
import { after, hasCome } from '../domain/durations.ts';
import { debtOf, type SignerRecord } from '../domain/signer.ts';
import { SIGNER_STATES, signerState } from '../domain/signer-state.ts';
import type { MemoryState } from './memory-state.ts';
import type { SignerStatistics, StoreReader } from './store.ts';

export const signerStatisticsReads = (view: () => MemoryState): Pick<StoreReader, 'signerStatistics'> => ({
  async signerStatistics(silentSince, now) {
    const { signers, rings } = view().tables;
    const all = [...signers.values()];
    const ringOf = ({ issuerId }: SignerRecord) => rings.get(issuerId)!.ring;
    const states = all.map((signer) => signerState(signer, ringOf(signer), silentSince));
    return {
      states: Object.fromEntries(SIGNER_STATES.map((state) => [state, states.filter((one) => one === state).length])) as SignerStatistics['states'],
      indebted: all.filter((signer) => debtOf(signer, ringOf(signer), now).length > 0).length,
      leasesHalfOver: all.filter(({ leaseSeconds, lastContactAt }, index) => (states[index] === 'silent' || states[index] === 'refusing') && hasCome(lastContactAt, silentSince) && leaseSeconds !== null && hasCome(after(lastContactAt, leaseSeconds / 2), now)).length,
    };
  },
});
