/**
 * Whether a kube-apiserver is ready, and whether it has come back from a restart.
 *
 * The old process answers until the kubelet ends it, so being ready right after a change says nothing: it must have been
 * away first. Leaves to the caller what to do when it does not come back.
 */
import { MintmarkError } from '../domain/errors.ts';
import type { ApiServerReply } from './api-server-client.ts';

export interface Readiness {
  /** @throws MintmarkError `AttachmentRefused` when it is not ready now: only a healthy API server is changed. */
  assertReady(): Promise<void>;
  /** Waits until it was away and is ready again; null, or why not. A sentence. */
  awaitRestart(): Promise<string | null>;
  /** Waits until it is ready; null, or why not. */
  awaitReady(): Promise<string | null>;
}

/** Time that can wait. */
export interface ReadinessClock {
  /** Milliseconds that only grow. */
  now(): number;
  wait(milliseconds: number): Promise<void>;
}

const LOOK_EVERY_MS = 250;

/** `ask` reads the URL once; rejections are "away". `withinMs`: for how long to wait. */
export function createReadiness(url: string, ask: () => Promise<ApiServerReply>, clock: ReadinessClock, withinMs: number): Readiness {
  const look = (): Promise<string | null> => ask().then(({ status }) => (status === 200 ? null : `${url} answers ${status}.`), (error: NodeJS.ErrnoException) => `${url} gives no answer (${error.code ?? error.message}).`);
  async function until(isOver: (fault: string | null) => boolean): Promise<string | null> {
    const end = clock.now() + withinMs;
    for (;;) {
      const fault = await look();
      if (isOver(fault)) return null;
      if (clock.now() >= end) return fault ?? `${url} was answered all the time, so the kubelet has not restarted it within ${withinMs / 1000} s.`;
      await clock.wait(LOOK_EVERY_MS);
    }
  }
  return {
    async assertReady() {
      const fault = await look();
      if (fault !== null) throw new MintmarkError('AttachmentRefused', `The API server is not ready now: ${fault} ${fault.includes('answers 40') ? 'It refuses who does not log in: leave --wait-ready out and watch it with kubectl.' : 'Mend that first, or correct --wait-ready.'} Nothing was changed.`);
    },
    awaitRestart() {
      let wasAway = false;
      return until((fault) => {
        wasAway ||= fault !== null;
        return wasAway && fault === null;
      });
    },
    awaitReady: () => until((fault) => fault === null),
  };
}
