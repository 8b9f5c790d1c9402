/** Asks a signer at its socket which keys it gives, as kube-apiserver will: before an API server depends on it. */
import { Client, credentials, type MethodDefinition } from '@grpc/grpc-js';
import { MintmarkError } from '../domain/errors.ts';
import { type KeysReply, loadProtocol } from '../signer/external-jwt-protocol.ts';

const WITHIN_MS = 10_000;

/** Kids, excluded ones too. @throws MintmarkError `AttachmentRefused` when nobody answers there. */
export async function signerKids(socket: string): Promise<readonly string[]> {
  const { services } = loadProtocol();
  const { path, requestSerialize, responseDeserialize } = services.at(-1)!['FetchKeys'] as MethodDefinition<object, KeysReply>;
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost', 'grpc.enable_http_proxy': 0 });
  try {
    const reply = await new Promise<KeysReply>((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, { deadline: Date.now() + WITHIN_MS }, (error, found) => (found === undefined ? reject(error) : resolve(found)));
    });
    return reply.keys.map(({ keyId }) => keyId);
  } catch (error) {
    throw new MintmarkError('AttachmentRefused', `No signer answers at ${socket} (${(error as Error).message}). The API server could not start without it: start 'mintmark signer run' on this host, or name its socket with --socket. Nothing was changed.`, { cause: error });
  } finally {
    client.close();
  }
}
