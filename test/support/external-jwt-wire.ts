/**
 * The bytes of KEP-740 on the wire, written from the table of its field numbers and by no schema of ours: so a mistake in
 * `proto/` can not be made twice. Protocol Buffers, wire types 0 (varint) and 2 (length-delimited).
 */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';

/** What a field can hold; absent means the default, which is not sent. */
type Value = number | string | Buffer | boolean;

export interface Field {
  readonly number: number;
  readonly value: Value;
}

export interface WireKey {
  readonly keyId: string;
  readonly key: Buffer;
  readonly exclude: boolean;
}

export interface WireKeys {
  readonly keys: readonly WireKey[];
  /** Null when it is unset. */
  readonly timestamp: { readonly seconds: number; readonly nanos: number } | null;
  readonly refreshHintSeconds: number;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A message of these fields, in this order. */
export const encode = (fields: readonly Field[]): Buffer => Buffer.concat(fields.flatMap(({ number, value }) => {
  if (typeof value === 'number' || typeof value === 'boolean') return [varint(number << 3), varint(Number(value))];
  const bytes = Buffer.from(value as string);
  return [varint((number << 3) | 2), varint(bytes.length), bytes];
}));

/** The fields of a message; varints as 64-bit integers with a sign. */
export function decode(message: Buffer): readonly { readonly number: number; readonly value: number | Buffer }[] {
  const fields: { number: number; value: number | Buffer }[] = [];
  let at = 0;
  function next(): bigint {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('the message is cut short');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
      shift += 7n;
    }
  }
  while (at < message.length) {
    const tag = Number(next());
    const number = tag >> 3;
    if ((tag & 7) === 0) fields.push({ number, value: Number(BigInt.asIntN(64, next())) });
    else if ((tag & 7) === 2) {
      const length = Number(next());
      if (at + length > message.length) throw new Error('the message is cut short');
      fields.push({ number, value: message.subarray(at, (at += length)) });
    } else throw new Error(`field ${number} has a wire type that no field here has`);
  }
  return fields;
}

const all = (message: Buffer, number: number) => decode(message).filter((field) => field.number === number).map(({ value }) => value);
const bytes = (message: Buffer, number: number): Buffer => (all(message, number).at(-1) as Buffer | undefined) ?? Buffer.alloc(0);
const text = (message: Buffer, number: number): string => bytes(message, number).toString('utf8');
const integer = (message: Buffer, number: number): number => (all(message, number).at(-1) as number | undefined) ?? 0;

export const keysReply = ({ keys, timestamp, refreshHintSeconds }: WireKeys): Buffer => encode([
  ...keys.map(({ keyId, key, exclude }) => ({ number: 1, value: encode([{ number: 1, value: keyId }, { number: 2, value: key }, ...(exclude ? [{ number: 3, value: true }] : [])]) })),
  ...(timestamp === null ? [] : [{ number: 2, value: encode([{ number: 1, value: timestamp.seconds }, { number: 2, value: timestamp.nanos }]) }]),
  ...(refreshHintSeconds === 0 ? [] : [{ number: 3, value: refreshHintSeconds }]),
]);

export const signReply = (header: string, signature: string): Buffer => encode([{ number: 1, value: header }, { number: 2, value: signature }]);
export const metadataReply = (seconds: number): Buffer => encode([{ number: 1, value: seconds }]);

const readKey = (message: Buffer): WireKey => ({ keyId: text(message, 1), key: bytes(message, 2), exclude: integer(message, 3) === 1 });

function readKeys(message: Buffer): WireKeys {
  const [timestamp] = all(message, 2) as Buffer[];
  return {
    keys: (all(message, 1) as Buffer[]).map(readKey),
    timestamp: timestamp === undefined ? null : { seconds: integer(timestamp, 1), nanos: integer(timestamp, 2) },
    refreshHintSeconds: integer(message, 3),
  };
}

/** Calls of one API server to the signer behind a socket: one connection, plaintext, no metadata. */
export class ExternalJwtWire {
  readonly #client: Client;
  readonly #package: string;

  /** `backOffMs`: before it tries to connect again; the real one begins with a second. */
  constructor(socket: string, packageName: 'v1' | 'v1alpha1' = 'v1', backOffMs = 50) {
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost', 'grpc.initial_reconnect_backoff_ms': backOffMs, 'grpc.max_reconnect_backoff_ms': 4 * backOffMs });
    this.#package = packageName;
  }

  /** One call, waiting for the connection for as long as it may take. */
  #call(method: string, request: Buffer, withinMs: number): Promise<Buffer> {
    const metadata = new Metadata({ waitForReady: true });
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(`/${this.#package}.ExternalJWTSigner/${method}`, (sent: Buffer) => sent, (received) => received, request, metadata, { deadline: Date.now() + withinMs },
        (error: ServiceError | null, reply?: Buffer) => (error === null ? resolve(reply!) : reject(error)));
    });
  }

  async sign(claims: string, withinMs = 30_000): Promise<{ readonly header: string; readonly signature: string }> {
    const reply = await this.#call('Sign', encode([{ number: 1, value: claims }]), withinMs);
    return { header: text(reply, 1), signature: text(reply, 2) };
  }

  /** Unread. */
  fetchKeysBytes(): Promise<Buffer> {
    return this.#call('FetchKeys', Buffer.alloc(0), 60_000);
  }

  async fetchKeys(withinMs = 60_000): Promise<WireKeys> {
    return readKeys(await this.#call('FetchKeys', Buffer.alloc(0), withinMs));
  }

  async metadata(withinMs = 10_000): Promise<{ readonly maxTokenExpirationSeconds: number }> {
    return { maxTokenExpirationSeconds: integer(await this.#call('Metadata', Buffer.alloc(0), withinMs), 1) };
  }

  close(): void {
    this.#client.close();
  }
}
