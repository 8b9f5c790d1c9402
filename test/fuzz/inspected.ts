/** A look into a running Node.js process from outside: what is alive on its heap, and what files and sockets it has open. Linux only. */
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';

interface Remote {
  readonly objectId?: string;
  readonly value?: unknown;
}
interface Answer {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number; readonly result?: Remote; readonly objects?: Remote };
}

/** The inspector of a process that was started with `--inspect=127.0.0.1:0`, by what it printed. */
export class Inspected {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      this.#waiting.get(answer.id ?? -1)?.(answer);
    });
  }

  static async attach(stderr: string): Promise<Inspected> {
    const [url] = /ws:\/\/127\.0\.0\.1:\d+\/[\da-f-]+/.exec(stderr) ?? [];
    if (url === undefined) throw new Error(`no inspector in: ${stderr}`);
    const socket = new WebSocket(url);
    await once(socket, 'open');
    return new Inspected(socket);
  }

  /** Bytes of the heap that are in use after everything that is not was collected. */
  async liveHeap(): Promise<number> {
    await this.#ask('HeapProfiler.collectGarbage');
    return (await this.#ask('Runtime.getHeapUsage')).result?.usedSize ?? Number.NaN;
  }

  /** How many sockets are reachable, open or not. Whatever else is made for a connection or request refers to its socket. */
  async liveSockets(): Promise<number> {
    const prototype = await this.#ask('Runtime.evaluate', { expression: "process.getBuiltinModule('node:net').Socket.prototype", objectGroup: 'count' });
    const found = await this.#ask('Runtime.queryObjects', { prototypeObjectId: prototype.result?.result?.objectId, objectGroup: 'count' });
    const length = await this.#ask('Runtime.callFunctionOn', { functionDeclaration: 'function () { return this.length; }', objectId: found.result?.objects?.objectId, returnByValue: true });
    await this.#ask('Runtime.releaseObjectGroup', { objectGroup: 'count' });
    return Number(length.result?.result?.value);
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, (answer) => { this.#waiting.delete(id); resolve(answer); });
      this.#socket.send(JSON.stringify({ id, method, params }));
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
