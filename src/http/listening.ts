/** Where a listener listens and with which certificate: the same for those on node:http and those on a framework. */
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';
import { MintmarkError } from '../domain/errors.ts';

/** An address and a port; port 0 is any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The flag of the command line that chooses the port, where it is one. */
  readonly flag?: string;
}

/** PEM texts. */
export interface PemPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** PEM texts; null serves plain HTTP. */
export type Tls = PemPair | null;

/** As node:tls calls the two. */
export const pemOf = ({ certificate, privateKey }: PemPair): { readonly cert: string; readonly key: string } => ({ cert: certificate, key: privateKey });

/** New connections get this certificate; those that are open go on. Nothing for a listener without TLS. @throws when it can not be served. */
export function setCertificate(server: Server, pair: PemPair): void {
  if (server instanceof TlsServer) server.setSecureContext(pemOf(pair));
}

/** How often it is looked whether a connection that its peer has ended still gets on, in milliseconds. */
const LOOK_EVERY_MS = 5000;

/** Every connection of a listener, as it came from the system: also those that have yet to begin TLS, which node:http does not know. */
const open = new WeakMap<Server, Set<Socket>>();

/**
 * Knows what connections a listener has, for `cutConnections`, and closes those whose last bytes do not get out after the
 * peer has ended them. node:tls can lose the end of a write when a peer resets the connection (nodejs/node#55804); the socket
 * would then stay open for twice its idle time-out.
 */
export function watchConnections(server: Server): void {
  const sockets = new Set<Socket>();
  open.set(server, sockets);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket: TLSSocket) => void socket.once('end', () => {
    let left: number | null = null;
    const look = setInterval(() => {
      if (socket.writableEnded && socket.writableLength === left) socket.destroy();
      left = socket.writableEnded ? socket.writableLength : null;
    }, LOOK_EVERY_MS).unref();
    socket.once('close', () => clearInterval(look));
  }));
}

/** Ends every connection as it is. */
export function cutConnections(server: Server): void {
  server.closeAllConnections();
  for (const socket of open.get(server) ?? []) socket.destroy();
}

/** Resolves with the port. @throws MintmarkError `AddressInUse`, `InvalidConfiguration`. */
export function listen(server: Server, address: ListenAddress): Promise<number> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, address)));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** What the log says of a listener, each in the same words. */
export const listensAt = (who: string, url: string): string => `${who} at ${url}`;

/** Of a listener that is not on a framework. `port`: the one that it has got. */
export const listenerUrl = ({ host }: ListenAddress, port: number, tls: Tls): string => `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

const OTHER_ADDRESS = 'Choose another address or port.';
const OTHER_HOST = 'The name of the host is not known here: correct it, or give an address.';
const MORE_FILES = 'No more files can be opened: raise the limit (ulimit -n, or LimitNOFILE= of systemd), and start again.';
/** What to do, by the operating system's codes. */
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: OTHER_ADDRESS,
  EADDRNOTAVAIL: OTHER_ADDRESS,
  EINVAL: 'It is no address that can be listened on, as IPv6 addresses of a single link (fe80::…) are none. Choose another address.',
  EAFNOSUPPORT: 'This machine has no addresses of that family, IPv4 or IPv6. Choose an address of the other one.',
  ENOTFOUND: OTHER_HOST,
  EAI_AGAIN: OTHER_HOST,
  EMFILE: MORE_FILES,
  ENFILE: MORE_FILES,
};

/** What an error of listening means to who runs the server; any other error as it is. */
export function listenError(error: unknown, { host, port, flag }: ListenAddress): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new MintmarkError('AddressInUse', `Port ${port} on ${host} is taken by another process. Stop it, or choose another port${flag === undefined ? '' : ` with ${flag}`}.`, { cause: error });
  const remedy = code === undefined ? undefined : REMEDIES[code];
  return remedy === undefined ? error : new MintmarkError('InvalidConfiguration', `Mintmark can not listen on ${host}, port ${port} (${code}). ${remedy}`, { cause: error });
}
