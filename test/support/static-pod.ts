/**
 * What a kubelet does with the static pod of a real kube-apiserver: runs the command of its manifest as a process, runs it
 * again when it ends, and anew when the file changes. No container, no probes: the process is the one that `KUBEBUILDER_ASSETS` has.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import type { ApiServerPod } from '../../src/attach/patches.ts';
import { Running } from './dev-server.ts';
import { KUBE_ASSETS } from './kube-apiserver.ts';

const LOOK_EVERY_MS = 20;

export class StaticPod {
  readonly #manifest: string;
  #running: Running;
  #text: string;
  #isOver = false;
  readonly #kubelet: Promise<void>;
  /** How often its process was started. */
  starts = 0;

  private constructor(manifest: string) {
    this.#manifest = manifest;
    this.#text = readFileSync(manifest, 'utf8');
    this.#running = this.#start();
    this.#kubelet = this.#follow();
  }

  /** Runs what the manifest says and follows its changes, until `end`. */
  static run(manifest: string): StaticPod {
    return new StaticPod(manifest);
  }

  /** What the process that runs now has said. */
  get stderr(): string {
    return this.#running.stderr;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#kubelet;
    await this.#running.end('SIGTERM');
  }

  #start(): Running {
    this.starts += 1;
    const { command } = (parse(this.#text) as ApiServerPod).spec!.containers![0]!;
    const [program, ...flags] = command!;
    return new Running(join(KUBE_ASSETS!, program!), flags, {});
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      const text = readFileSync(this.#manifest, 'utf8');
      if (text !== this.#text) await this.#running.end('SIGTERM');
      if (text !== this.#text || this.#running.isOver) {
        this.#text = text;
        this.#running = this.#start();
      }
      await pause(LOOK_EVERY_MS);
    }
  }
}
