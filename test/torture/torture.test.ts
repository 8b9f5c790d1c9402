/** The torture in its quick form: some tens of kills of the real server. `npm run torture` is the long one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Round } from './round.ts';
import { Tally } from './tally.ts';

/** Of each kind of server; the seed is the same each time, so that a failure can be told again. */
const KILLS = 10;
const SEED = 'quick';

describe('killed by SIGKILL at random moments and started again, the real server keeps its word', { concurrency: true }, () => {
  for (const kind of ['dev', 'serve'] as const) {
    it(`mintmark ${kind}`, async (t) => {
      const tally = new Tally();
      await Round.live({ kind, seed: `${SEED}.${kind}`, kills: KILLS, tally });
      t.diagnostic(tally.summary());
      assert.ok(tally.unanswered > 0 && tally.verifiedTokens + tally.brokenTokens > 0 && tally.endedOperations > 0, `it was hollow:\n${tally.summary()}`);
    });
  }
});
