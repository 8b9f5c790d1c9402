/**
 * Calls over a line of messages, both ways: each side offers functions, and calls those of the other as if they were its own.
 *
 * What they take and give is plain data; what they throw arrives as the same error. Leaves to whoever has the line what its
 * end means, but for the calls that are under way then: they fail.
 */
import { errorOf, plainError, type PlainError } from './plain-error.ts';

/** A worker, or a thread's port to the one that has started it. */
export interface Line {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
}

/** Functions that the other side may call. */
type Offer = object;
type Call = (...given: never[]) => unknown;

type Message =
  | { readonly call: string; readonly number: number; readonly given: readonly unknown[] }
  | { readonly answered: number; readonly value: unknown }
  | { readonly failed: number; readonly error: PlainError };

/** The functions of the other side. */
export type Remote<Offered extends Offer> = {
  readonly [Name in keyof Offered]: Offered[Name] extends (...given: infer Given) => infer Value ? (...given: Given) => Promise<Awaited<Value>> : never;
};

export interface Connection<Offered extends Offer> {
  readonly remote: Remote<Offered>;
  /** Nothing more comes: calls under way, and later ones, fail with this error. */
  end(error: Error): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** `Offered` is what the other side offers, `own` what this one does. */
export function connectCalls<Offered extends Offer>(line: Line, own: Readonly<Record<string, Call>>): Connection<Offered> {
  const waiting = new Map<number, Waiting>();
  let [last, ended]: [number, Error | null] = [0, null];

  function call(name: string, given: readonly unknown[]): Promise<unknown> {
    if (ended !== null) return Promise.reject(ended);
    const number = (last += 1);
    return new Promise((resolve, reject) => {
      waiting.set(number, { resolve, reject });
      line.postMessage({ call: name, number, given } satisfies Message);
    });
  }

  async function answer({ call: name, number, given }: Extract<Message, { readonly call: string }>): Promise<Message> {
    try {
      return { answered: number, value: await (own[name] as (...given: readonly unknown[]) => unknown)(...given) };
    } catch (error) {
      return { failed: number, error: plainError(error) };
    }
  }

  function settled(number: number): Waiting | undefined {
    const asked = waiting.get(number);
    waiting.delete(number);
    return asked;
  }

  line.on('message', (message) => {
    if ('call' in message) void answer(message).then((reply) => line.postMessage(reply));
    else if ('answered' in message) settled(message.answered)?.resolve(message.value);
    else settled(message.failed)?.reject(errorOf(message.error));
  });

  return {
    remote: new Proxy({}, { get: (_, name) => (...given: readonly unknown[]) => call(String(name), given) }) as Remote<Offered>,
    end(error) {
      ended = error;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}
