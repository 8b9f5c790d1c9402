/** What the server and the thread of its public host say to each other. All of it is plain data. */
import type { HostCounts, PublicHost, PublicHostConfig } from './public-host.ts';

/** What the host is started with. */
export interface ThreadData extends PublicHostConfig {
  readonly storeFile: string;
  /** By which the clock is shifted; null: the machine's own. */
  readonly clockFile: string | null;
  /** Issuers whose documents are kept in memory. */
  readonly publishedIssuers: number;
  readonly logLevel: string;
}

/** Of the thread itself, since the last time it was asked. */
export interface ThreadHealth {
  /** How late its event loop was, in seconds. */
  readonly delay: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of its own heap, in bytes. */
  readonly heapUsed: number;
}

export type ThreadCounts = HostCounts & ThreadHealth;

/** What the thread does when it is asked. */
export interface HostCalls extends Omit<PublicHost, 'ready' | 'start'> {
  /** As `PublicHost.start`. */
  start(data: ThreadData): Promise<number>;
  counts(): ThreadCounts;
}

/** What the server does for it. */
export interface ServerCalls {
  /** Writes down that this publisher serves every change up to this one: all that the host ever writes. */
  confirm(publisher: string, change: number): Promise<void>;
  /** One line of its log, as JSON. */
  log(line: string): void;
}
