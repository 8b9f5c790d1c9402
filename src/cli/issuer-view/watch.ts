/** `--watch`: the view again and again; redrawn in place each second on a terminal, printed anew on a change elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IssuerBody } from '../../http/management/contract.ts';
import { printable } from '../output/printable.ts';
import type { Io } from '../session.ts';
import { issuerView } from './issuer-view.ts';

const EACH_MS = 1000;
/** Cursor to the top, and clear from there on. */
const REDRAW = '\u001B[H\u001B[J';
const DEFAULT_WIDTH = 100;

export const widthOf = ({ stdout }: Pick<Io, 'stdout'>): number => stdout.columns || DEFAULT_WIDTH;

/** Goes on until `isOver` says so or the signal comes; the last view is from after the end. */
export async function watchIssuer(io: Pick<Io, 'stdout' | 'signal'>, read: () => Promise<IssuerBody>, isOver: () => boolean): Promise<void> {
  let former = '';
  for (;;) {
    const over = isOver();
    const issuer = await read();
    const text = `${issuerView(issuer, new Date(), widthOf(io)).map(printable).join('\n')}\n`;
    const facts = JSON.stringify(changing(issuer));
    if (io.stdout.isTTY === true) io.stdout.write(REDRAW + text);
    else if (facts !== former) io.stdout.write(former === '' ? text : `\n${text}`);
    former = facts;
    if (over || !(await paused(io.signal))) return;
  }
}

/** What is news: not the mere passing of time, and not each token. */
const changing = ({ properties }: IssuerBody): unknown => [properties.ringVersion, properties.pendingRotation?.operationId ?? null, properties.waiting?.reason ?? null, properties.keys.map(({ kid, state }) => [kid, state])];

/** False when the signal came meanwhile. */
const paused = (signal: AbortSignal | undefined): Promise<boolean> => sleep(EACH_MS, true, signal === undefined ? {} : { signal }).catch(() => false);
