/**
 * The gRPC service that an API server calls (`ExternalJWTSigner` of KEP-740), in the packages of all its versions.
 *
 * Owns: the methods, the limits of a connection, which failures are told to callers and how. Every message reaches
 * whoever asked for a token, so what was not foreseen is told as such and goes to the log. Leaves to `socket.ts` where
 * connections come from, and to `ring-in-use.ts` what is answered.
 */
import type { Duplex } from 'node:stream';
import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { LONGEST_TOKEN_LIFE } from '../domain/durations.ts';
import { type ErrorCode, isMintmarkError } from '../domain/errors.ts';
import type { Protocol, SignReply, SignRequest } from './external-jwt-protocol.ts';
import type { RingInUse } from './ring-in-use.ts';

/** Bytes of a request, calls at once on a connection: an API server has one connection, and queues what is above that. */
const LIMITS = { 'grpc.max_receive_message_length': 64 * 1024, 'grpc.max_concurrent_streams': 256, 'grpc.enable_channelz': 0 } as const;

/** Codes whose message is written for whoever asks for a token. */
const TOLD: Readonly<Partial<Record<ErrorCode, status>>> = { ClaimsRefused: status.INVALID_ARGUMENT, SigningStopped: status.FAILED_PRECONDITION };
const UNFORESEEN = 'The signer could not sign this token. Its log on the host of the API server says why.';

/** What is counted of each call. */
export interface CallObserver {
  signed(seconds: number): void;
  refused(code: ErrorCode | 'unforeseen'): void;
  keysFetched(): void;
}

export interface ExternalJwtService {
  /** Serves a connection that was accepted. */
  accept(connection: Duplex): void;
  /** Takes no further calls; resolves when those in flight are done, at most after so many milliseconds. */
  stop(withinMs: number): Promise<void>;
}

type Answer<Reply> = sendUnaryData<Reply>;

export function createExternalJwtService(ring: Pick<RingInUse, 'sign' | 'keysReply'>, protocol: Protocol, observer: CallObserver, log: Logger): ExternalJwtService {
  const server = new Server(LIMITS);
  const metadata = { maxTokenExpirationSeconds: LONGEST_TOKEN_LIFE };

  async function sign({ request }: ServerUnaryCall<SignRequest, SignReply>, answer: Answer<SignReply>): Promise<void> {
    const begun = performance.now();
    try {
      answer(null, await ring.sign(request.claims));
      observer.signed((performance.now() - begun) / 1000);
    } catch (error) {
      const told = isMintmarkError(error) ? TOLD[error.code] : undefined;
      if (told === undefined) log.error({ err: error }, 'a token could not be signed');
      observer.refused(isMintmarkError(error) ? error.code : 'unforeseen');
      answer({ code: told ?? status.INTERNAL, details: told === undefined ? UNFORESEEN : (error as Error).message, metadata: new Metadata() });
    }
  }

  for (const service of protocol.services) {
    server.addService(service, {
      Sign(call: ServerUnaryCall<SignRequest, SignReply>, answer: Answer<SignReply>): void {
        // Whatever can not be told to one caller may not end the process, and with it the tokens of all others.
        sign(call, answer).catch((err: unknown) => {
          log.error({ err }, 'a caller could not be answered');
          answer({ code: status.INTERNAL, details: UNFORESEEN, metadata: new Metadata() });
        });
      },
      FetchKeys(_call: unknown, answer: Answer<Buffer>): void {
        answer(null, ring.keysReply());
        observer.keysFetched();
      },
      Metadata: (_call: unknown, answer: Answer<typeof metadata>): void => answer(null, metadata),
    });
  }
  const connections = server.createConnectionInjector(ServerCredentials.createInsecure());

  return {
    accept: (connection) => connections.injectConnection(connection),
    async stop(withinMs) {
      connections.drain(withinMs);
      await new Promise<void>((resolve) => {
        const force = setTimeout(() => server.forceShutdown(), withinMs);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      });
    },
  };
}
