/** External signing: the API server beside asks over a socket (KEP-740). */
import type { Logger } from 'pino';
import type { CallObserver, ExternalJwtService } from './external-jwt-signer.ts';
import { createExternalJwtService } from './external-jwt-signer.ts';
import { loadProtocol } from './external-jwt-protocol.ts';
import { type OpenedForSigning, RingInUse, type SigningBar } from './ring-in-use.ts';
import { type LockFile, openSocket, type SocketPlace } from './socket.ts';

export interface ExternalSignerDeps {
  readonly now: () => Date;
  readonly bar: SigningBar;
  readonly observer: CallObserver;
  readonly lockFile: LockFile;
  readonly log: Logger;
}

export interface ExternalSigner {
  readonly user: RingInUse;
  /** The socket's path. */
  readonly path: string;
  /** What is wrong with the socket, in words; null for nothing. */
  fault(): string | null;
  /** Takes the socket away; calls in flight have ten seconds, or so many milliseconds. Then connections are cut, whoever holds them. */
  stop(withinMs?: number): Promise<void>;
}

/** Milliseconds for calls in flight. */
const STOP_WITHIN = 10_000;

/** Serves the ring, whose active key has proved itself, at the place. @throws MintmarkError `SocketInUse`, `InvalidConfiguration`. */
export async function serveExternalSigner(opened: OpenedForSigning, place: SocketPlace, { now, bar, observer, lockFile, log }: ExternalSignerDeps): Promise<ExternalSigner> {
  const protocol = loadProtocol();
  const user = new RingInUse(opened, { now, bar, encodeKeys: protocol.encodeKeys });
  const service: ExternalJwtService = createExternalJwtService(user, protocol, observer, log);
  const socket = await openSocket(place, lockFile, service.accept);
  return {
    user, path: socket.path,
    fault: () => (socket.isThere() ? null : `The socket ${socket.path} was removed, or another process has put its own there: API servers can not reach this signer. Find out who did it, and start the signer again.`),
    async stop(withinMs = STOP_WITHIN) {
      socket.close();
      // Not sooner: answers may still be on their way when the service has ended. It keeps nobody alive by itself.
      setTimeout(() => socket.cut(), withinMs).unref();
      await service.stop(withinMs);
    },
  };
}
