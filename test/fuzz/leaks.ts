/**
 * Whether storms leave anything behind: open sockets and files, objects of connections and requests that are still
 * reachable, and a heap that grows.
 *
 * The same storm is repeated, so that all that is kept by design (what was stored, what is remembered once, compiled code)
 * is there before the first look. Nothing is measured by time: sockets are waited for, and the heap is what is reachable.
 */
import assert from 'node:assert/strict';
import { eventually } from '../support/dev-server.ts';
import type { Alive, OpenFiles } from './inspected.ts';
import { storm, type StormReport } from './storm.ts';
import type { Target } from './target.ts';

const WARM_UP = 2;
const BETWEEN = 2;
/** A connection that is kept whole, with its parser and buffers, is many times that for each attack. */
const MOST_GROWTH_BYTES_PER_ATTACK = 2048;
/** Of each kind, for what the look itself and the metrics have at hand. */
const AT_HAND = 2;

interface Look {
  readonly alive: Alive;
  readonly heap: number;
}

const look = async (target: Target): Promise<Look> => ({ alive: await target.alive(), heap: await target.liveHeap() });

/** @throws AssertionError for what was found, and for what was left behind. */
export async function assertNothingLeft(target: Target, seed: number, attacks: number): Promise<readonly StormReport[]> {
  const reports: StormReport[] = [];
  const begun = await target.openFiles();
  const weather = async (): Promise<void> => {
    const report = await storm(target, seed, attacks);
    assert.deepEqual(report.findings, [], `seed ${seed}, ${attacks} attacks`);
    reports.push(report);
  };
  for (let round = 0; round < WARM_UP; round += 1) await weather();
  await assertClosed(target, begun);
  const early = await look(target);
  for (let round = 0; round < BETWEEN; round += 1) await weather();
  await assertClosed(target, begun);
  assertLevel(early, await look(target), attacks);
  return reports;
}

async function assertClosed(target: Target, before: OpenFiles): Promise<void> {
  await eventually(`the server has closed what the storms opened (before them ${JSON.stringify(before)} were open)`, async () => {
    const now = await target.openFiles();
    return (now.sockets <= before.sockets && now.all <= before.all) || undefined;
  });
}

function assertLevel(early: Look, late: Look, attacks: number): void {
  const told = JSON.stringify([early, late]);
  for (const kind of ['sockets', 'requests', 'replies'] as const) assert.ok(late.alive[kind] <= early.alive[kind] + AT_HAND, `${kind} are kept: ${told}`);
  assert.ok(late.heap - early.heap < BETWEEN * attacks * MOST_GROWTH_BYTES_PER_ATTACK, `the heap grows: ${told}`);
}
