/**
 * The messages of KEP-740 (`proto/externaljwt`), as grpc-js takes them: the service in both packages, and the encoder of
 * the one reply that is kept.
 */
import { join } from 'node:path';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Same messages, same methods: 1.32 and 1.33 call the first, later ones the second, and none tries both. */
const PACKAGES = ['v1alpha1', 'v1'] as const;
const PROTO = join(import.meta.dirname, '../../proto/externaljwt');

export interface SignRequest {
  readonly claims: string;
}

export interface SignReply {
  readonly header: string;
  readonly signature: string;
}

export interface KeysReply {
  readonly keys: readonly { readonly keyId: string; readonly key: Buffer; readonly excludeFromOidcDiscovery: boolean }[];
  readonly dataTimestamp: { readonly seconds: number; readonly nanos: number };
  readonly refreshHintSeconds: number;
}

/** FetchKeys is answered with the bytes of a `KeysReply`, which are made once for each change. */
export interface Protocol {
  readonly services: readonly ServiceDefinition[];
  encodeKeys(reply: KeysReply): Buffer;
}

export function loadProtocol(): Protocol {
  const loaded = PACKAGES.map((name) => loadSync(join(PROTO, name, 'api.proto'), { longs: Number, defaults: true })[`${name}.ExternalJWTSigner`] as ServiceDefinition);
  const { responseSerialize } = loaded[0]!['FetchKeys'] as MethodDefinition<unknown, KeysReply>;
  const asBytes = (service: ServiceDefinition): ServiceDefinition =>
    ({ ...service, FetchKeys: { ...service['FetchKeys']!, responseSerialize: (bytes: Buffer) => bytes } });
  return { services: loaded.map(asBytes), encodeKeys: responseSerialize };
}
