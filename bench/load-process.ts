/** The process of clients (`load.ts`), as who measures sees it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';

export interface Clients {
  readonly port: number;
  readonly ca: string;
  /** One for each connection. */
  readonly clients: readonly {
    readonly localAddress?: string;
    /** Whole requests, asked in this order, again and again. */
    readonly requests: readonly string[];
  }[];
}

export interface Burst {
  /** The longest that it takes. */
  readonly seconds: number;
  /** Requests a second of all clients together; left out: as many as they get replies. */
  readonly perSecond?: number;
  /** Each request only once. */
  readonly once?: boolean;
}

export interface BurstResult {
  readonly replies: number;
  /** Status → replies with it; 0: no reply, the connection was cut. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly wallSeconds: number;
  /** How long each reply took. */
  readonly milliseconds: readonly number[];
}

export interface LoadProcess {
  /** Connects all clients, in place of those there were. */
  connect(clients: Clients): Promise<void>;
  /** @throws when a reply was not `status`. */
  burst(burst: Burst, status?: number): Promise<BurstResult>;
  end(): void;
}

/** `urgent`: the scheduler prefers it, so that what it measures is not its own waiting for a processor (for root only; otherwise without effect). */
export function startLoad({ urgent = false } = {}): LoadProcess {
  const child = fork(join(import.meta.dirname, 'load.ts'));
  if (urgent) preferIfAllowed(child.pid!);
  async function tell(message: Clients | Burst): Promise<unknown> {
    const [answer] = await Promise.all([once(child, 'message'), Promise.resolve(child.send(message))]);
    return answer[0];
  }
  return {
    connect: (clients) => tell(clients).then(() => undefined),
    async burst(burst, status = 200) {
      const result = (await tell(burst)) as BurstResult;
      if (result.replies === 0 || result.statuses[status] !== result.replies) throw new Error(`Not every reply was ${status}, by status: ${JSON.stringify(result.statuses)}`);
      return result;
    },
    end: () => child.disconnect(),
  };
}

function preferIfAllowed(pid: number): void {
  try {
    setPriority(pid, -10);
  } catch {
    console.error('The clients could not be given a higher priority, which takes root: latencies hold their own waiting too.');
  }
}

/** The bytes of a request with a bearer token, if given, and a JSON body, if given. */
export function rawRequest(method: string, path: string, { token, body }: { readonly token?: string; readonly body?: object } = {}): string {
  const content = body === undefined ? '' : JSON.stringify(body);
  const headers = [
    `${method} ${path} HTTP/1.1`, 'Host: localhost', ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(content)}`]),
  ];
  return `${headers.join('\r\n')}\r\n\r\n${content}`;
}
