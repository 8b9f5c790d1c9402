/** What a run of the torture really did, so that a reader sees whether it was a hollow one. */
import { DEED_KINDS, type DeedKind } from './deeds.ts';
import type { Fate } from './model.ts';

/**
 * When a kill falls: while requests are in flight, while one of them is written to the disk, with the first byte of a
 * reply, while the rotator does what a moved clock made due, or while a server starts.
 */
export const MOMENTS = ['in flight', 'commit', 'first byte', 'rotator', 'starting'] as const;
export type Moment = (typeof MOMENTS)[number];

const FATES = ['acknowledged', 'without a reply, and done', 'without a reply, and not done', 'refused'] as const satisfies readonly Fate[];

const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> => Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;

export class Tally {
  readonly kills = zeros(MOMENTS);
  /** Kills while at least one request had no reply. */
  unanswered = 0;
  readonly fates = Object.fromEntries(DEED_KINDS.map((kind) => [kind, zeros(FATES)])) as Record<DeedKind, Record<Fate, number>>;
  /** Starts that were killed before they were up. */
  killedStarts = 0;
  verifiedTokens = 0;
  /** Tokens that were seen to fail, as was asked for. */
  brokenTokens = 0;
  endedOperations = 0;
  /** Keys that left by the rotator, and rotations by the calendar. */
  pruned = 0;
  automatic = 0;
  #longest: number[] = [];

  get allKills(): number {
    return Object.values(this.kills).reduce((sum, kills) => sum + kills, 0);
  }

  /** How often something was done whose reply never came. */
  get doneUnanswered(): number {
    return Object.values(this.fates).reduce((sum, fates) => sum + fates['without a reply, and done'], 0);
  }

  get undone(): number {
    return Object.values(this.fates).reduce((sum, fates) => sum + fates['without a reply, and not done'], 0);
  }

  restarted(ms: number): void {
    this.#longest.push(ms);
  }

  summary(): string {
    const starts = this.#longest.toSorted((a, b) => a - b);
    const rows = DEED_KINDS.map((kind) => `  ${kind.padEnd(21)}${FATES.map((fate) => String(this.fates[kind][fate]).padStart(fate.length + 3)).join('')}`);
    return [
      `${this.allKills} kills: ${MOMENTS.map((moment) => `${this.kills[moment]} ${moment}`).join(', ')}. ${this.unanswered} fell while a request had no reply yet. ${this.killedStarts} starts were killed as well.`,
      `  ${'request'.padEnd(21)}${FATES.map((fate) => fate.padStart(fate.length + 3)).join('')}`,
      ...rows,
      `${this.verifiedTokens} times a token was verified and ${this.brokenTokens} times one was seen to fail as asked for; ${this.endedOperations} operations ended; ${this.pruned} keys pruned, ${this.automatic} automatic rotations.`,
      `A restart took ${Math.round(starts[Math.floor(starts.length / 2)] ?? 0)} ms in the median, ${Math.round(starts.at(-1) ?? 0)} ms at most.`,
    ].join('\n');
  }
}
