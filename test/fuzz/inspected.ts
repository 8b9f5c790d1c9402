/** A look into a running server from outside: what is alive on its heaps, that of its public host's thread among them, and what files and sockets it has open. Linux only. */
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';

interface Remote {
  readonly objectId?: string;
  readonly value?: unknown;
}
interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly url: string }; readonly message?: string };
  readonly result?: { readonly usedSize?: number; readonly result?: Remote; readonly objects?: Remote };
}

/** The inspector of a process that was started with `--inspect=127.0.0.1:0`, by what it printed. */
export class Inspected {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  /** By which the thread of the public host is spoken with. */
  readonly #thread = Promise.withResolvers<string>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#hear(JSON.parse(String(data)) as Answer));
  }

  static async attach(stderr: string): Promise<Inspected> {
    const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[\da-f-]+/.exec(stderr) ?? [];
    if (url === undefined) throw new Error(`no inspector in: ${stderr}`);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const inspected = new Inspected(socket);
    await inspected.#ask(null, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspected;
  }

  /** Bytes of each heap that are in use after everything that is not was collected. */
  liveHeaps(): Promise<readonly number[]> {
    return this.#inEach(async (thread) => {
      await this.#ask(thread, 'HeapProfiler.collectGarbage');
      return (await this.#ask(thread, 'Runtime.getHeapUsage')).result?.usedSize ?? Number.NaN;
    });
  }

  /** How many sockets are reachable, open or not. Whatever else is made for a connection or request refers to its socket. */
  async liveSockets(): Promise<number> {
    const counts = await this.#inEach(async (thread) => {
      const prototype = await this.#ask(thread, 'Runtime.evaluate', { expression: "process.getBuiltinModule('node:net').Socket.prototype", objectGroup: 'count' });
      const found = await this.#ask(thread, 'Runtime.queryObjects', { prototypeObjectId: prototype.result?.result?.objectId, objectGroup: 'count' });
      const length = await this.#ask(thread, 'Runtime.callFunctionOn', { functionDeclaration: 'function () { return this.length; }', objectId: found.result?.objects?.objectId, returnByValue: true });
      await this.#ask(thread, 'Runtime.releaseObjectGroup', { objectGroup: 'count' });
      return Number(length.result?.result?.value);
    });
    return counts.reduce((sum, count) => sum + count);
  }

  close(): void {
    this.#socket.close();
  }

  /** What is found in the server itself, and in the thread of its public host. */
  async #inEach(look: (thread: string | null) => Promise<number>): Promise<readonly number[]> {
    return [await look(null), await look(await this.#thread.promise)];
  }

  #hear(message: Answer): void {
    const { method, params: { sessionId = '', workerInfo, message: told } = {} } = message;
    if (method === 'NodeWorker.attachedToWorker' && /public-host\/thread\.[jt]s$/.test(workerInfo?.url ?? '')) this.#thread.resolve(sessionId);
    else if (method === 'NodeWorker.receivedMessageFromWorker') this.#hear(JSON.parse(told ?? '{}') as Answer);
    else this.#waiting.get(message.id ?? -1)?.(message);
  }

  /** `thread`: its session; null for the server itself. */
  #ask(thread: string | null, method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, (answer) => { this.#waiting.delete(id); resolve(answer); });
      const message = JSON.stringify({ id, method, params });
      if (thread === null) this.#socket.send(message);
      // The answer to this one says only that it was passed on.
      else this.#socket.send(JSON.stringify({ id: 0, method: 'NodeWorker.sendMessageToWorker', params: { sessionId: thread, message } }));
    });
  }
}

export interface OpenFiles {
  readonly sockets: number;
  /** Sockets, files and all else that has a descriptor. */
  readonly all: number;
}

/** Without the sockets that `mintmark dev` listens on for each of its issuers: those are as many as there are issuers. */
export async function openFiles(pid: number): Promise<OpenFiles> {
  const ofIssuers = await issuerSockets(pid);
  const names = await readdir(`/proc/${pid}/fd`);
  const targets = await Promise.all(names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  const counted = targets.filter((target) => target !== '' && !ofIssuers.has(target));
  return { sockets: counted.filter((target) => target.startsWith('socket:')).length, all: counted.length };
}

/** proc(5): the inode is the seventh field, the path the eighth, and a listening socket has the flag 0x10000. */
async function issuerSockets(pid: number): Promise<ReadonlySet<string>> {
  const lines = (await readFile(`/proc/${pid}/net/unix`, 'utf8')).split('\n').map((line) => line.split(/\s+/));
  return new Set(lines.filter(([, , , flags, , , , path]) => flags === '00010000' && path?.endsWith('.sock') === true).map(([, , , , , , inode]) => `socket:[${inode}]`));
}

/** Resident memory in bytes. */
export async function residentMemory(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
