/**
 * The public host: the listener and the publisher that it serves from, started and stopped as one.
 *
 * `createPublicHost` runs on the thread that calls it. The server runs it on a thread of its own (`host-thread.ts`), so that
 * documents do not wait for what the rest of the server waits for: the disk, above all.
 */
import type { Logger } from 'pino';
import { cutConnections, listen, type ListenAddress, type PemPair, pemOf, setCertificate, type Tls, watchConnections } from '../http/listening.ts';
import { newRequestCounts, type RequestCounts } from '../http/public/request-counts.ts';
import { closeGracefully, createPublicServer } from '../http/public/server.ts';
import type { Publisher, PublisherCounts } from '../service/publisher.ts';

export interface PublicHost {
  /** Serves from the first catch-up on; resolves with the port. @throws MintmarkError `AddressInUse`, `InvalidConfiguration`, and what the store throws. */
  start(): Promise<number>;
  /** Whether documents are served: the publisher has caught up once. */
  readonly ready: boolean;
  /**
   * One round that begins after this call: serves every change that the store has by then, and confirms it. Resolves
   * with the number of the change that is confirmed. @throws what the store throws.
   */
  catchUp(): Promise<number>;
  /** New connections get this certificate; those that are open go on. */
  renewTls(pair: PemPair): Promise<void>;
  /** Ends the listener; what is in flight has the configured time. The store is still followed, until `stop`. */
  close(): Promise<void>;
  stop(): Promise<void>;
}

/** What happened since the start, and how things are. */
export interface HostCounts {
  readonly publisher: PublisherCounts;
  readonly requests: RequestCounts;
}

export interface PublicHostConfig {
  readonly listen: ListenAddress;
  /** How long `close` waits for requests in flight, in seconds. */
  readonly stopWithin: number;
  readonly tls: Tls;
}

/** On this thread, not started. */
export function createPublicHost({ listen: address, stopWithin, tls }: PublicHostConfig, publisher: Publisher, log: Logger): PublicHost & { readonly counts: HostCounts } {
  const requests = newRequestCounts();
  const server = createPublicServer(publisher, { log, counts: requests, ...(tls === null ? {} : { tls: pemOf(tls) }) });
  watchConnections(server);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeGracefully(server, stopWithin * 1000, () => cutConnections(server)));
  return {
    async start() {
      await publisher.catchUp();
      publisher.start();
      return listen(server, address);
    },
    get ready() {
      return publisher.ready;
    },
    get counts() {
      return { publisher: publisher.counts, requests };
    },
    catchUp: () => publisher.catchUp(),
    renewTls: async (pair) => setCertificate(server, pair),
    close,
    async stop() {
      await close();
      await publisher.stop();
    },
  };
}
