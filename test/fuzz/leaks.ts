/**
 * Whether storms leave anything behind: open sockets and files, sockets that are still reachable (and all that
 * refers to them: requests, replies, parsers), and a heap that grows.
 *
 * The same storm is repeated, so that all that is kept by design (what was stored, what is remembered once, compiled code)
 * is there before the first look. Nothing is measured by time: sockets are waited for, and the heap is what is reachable.
 */
import assert from 'node:assert/strict';
import { eventually } from '../support/dev-server.ts';
import type { OpenFiles } from './inspected.ts';
import { storm, type StormReport } from './storm.ts';
import type { Target } from './target.ts';

const BETWEEN = 2;
/**
 * Bytes for each attack. A connection that is kept whole, with its parser and buffers, is many times the first; but a young
 * process still grows by a few hundred, which after many thousands of attacks it does no more.
 */
const MOST_GROWTH = { young: 2048, old: 512 } as const;
/** Bytes by which a heap grows in a few attacks whatever they are: code that is compiled, objects that are kept ready. */
const UNCOUNTED = 1024 * 1024;
/** Sockets of the look itself, and of the last scrape. */
const AT_HAND = 2;

interface Look {
  readonly sockets: number;
  readonly heaps: readonly number[];
}

const look = async (target: Target): Promise<Look> => ({ sockets: await target.liveSockets(), heaps: await target.liveHeaps() });

/** @throws AssertionError for what was found, and for what was left behind. */
export async function assertNothingLeft(target: Target, seed: number, attacks: number, age: keyof typeof MOST_GROWTH): Promise<readonly StormReport[]> {
  const reports: StormReport[] = [];
  const begun = await target.openFiles();
  const weather = async (from: number): Promise<void> => {
    const report = await storm(target, from, attacks);
    assert.deepEqual(report.findings, [], `seed ${from}, ${attacks} attacks`);
    reports.push(report);
  };
  await weather(seed + 1);
  await weather(seed);
  await assertClosed(target, begun);
  const early = await look(target);
  for (let round = 0; round < BETWEEN; round += 1) await weather(seed);
  await assertClosed(target, begun);
  assertLevel(early, await look(target), Math.max(UNCOUNTED, BETWEEN * attacks * MOST_GROWTH[age]));
  return reports;
}

async function assertClosed(target: Target, before: OpenFiles): Promise<void> {
  await eventually(`the server has closed what the storms opened (before them ${JSON.stringify(before)} were open)`, async () => {
    const now = await target.openFiles();
    return (now.sockets <= before.sockets && now.all <= before.all) || undefined;
  });
}

function assertLevel(early: Look, late: Look, mostGrowth: number): void {
  const told = JSON.stringify([early, late]);
  assert.ok(late.sockets <= early.sockets + AT_HAND, `sockets are kept: ${told}`);
  for (const [index, heap] of late.heaps.entries()) assert.ok(heap - early.heaps[index]! < mostGrowth, `a heap grows: ${told}`);
}
