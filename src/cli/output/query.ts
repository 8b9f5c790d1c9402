/** `--query`: a JMESPath expression over a result, read before anything is asked of the server. */
import { usageError } from '../errors.ts';
import type { JsonValue } from './json-value.ts';

export type Query = (value: JsonValue) => JsonValue;

/** @throws CommandError (2) for an expression that can not be read or applied. */
export async function parseQuery(expression: string): Promise<Query> {
  const { compile, TreeInterpreter } = await import('@jmespath-community/jmespath');
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw usageError(`argument --query: invalid jmespath_type value: '${expression}' (${(error as Error).message})`);
    }
  };
  const tree = guarded(() => compile(expression));
  return (value) => guarded(() => (TreeInterpreter.search(tree, value as never) as JsonValue | undefined) ?? null);
}
