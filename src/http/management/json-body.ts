/**
 * JSON bodies (RFC 8259), read with bounds: UTF-8 only, nested at most so deep, and no member named `__proto__`, which
 * some code after this would take for an object's prototype.
 */
import { MintmarkError } from '../../domain/errors.ts';
import type { Json } from '../../domain/resource.ts';

const DEEPEST = 64;

/**
 * The value of a body; null for an empty one.
 * @throws MintmarkError `InvalidRequestContent`. The message says nothing of the content, which may hold secrets.
 */
export function parseJsonBody(body: Buffer): Json {
  if (body.length === 0) return null;
  const value = parse(body);
  assertBounds(value);
  return value;
}

function parse(body: Buffer): Json {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    throw new MintmarkError('InvalidRequestContent', 'The body is not valid JSON in UTF-8.');
  }
}

/** Walks level by level, without recursion: the depth is the caller's choice. */
function assertBounds(value: Json): void {
  let level: readonly Json[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) throw new MintmarkError('InvalidRequestContent', `The body is nested more than ${DEEPEST} levels deep.`);
    const nested = level.filter((inner) => typeof inner === 'object' && inner !== null);
    if (nested.some((inner) => Object.hasOwn(inner, '__proto__'))) throw new MintmarkError('InvalidRequestContent', "A member can not be named '__proto__'.");
    level = nested.flatMap((inner) => Object.values(inner) as Json[]);
  }
}
