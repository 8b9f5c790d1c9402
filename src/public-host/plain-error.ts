/** Errors as plain data, for a way that only data can go: a message to another thread. */
import { ERROR_CATALOGUE, type ErrorCode, MintmarkError } from '../domain/errors.ts';

export interface PlainError {
  /** Of the catalogue, of the system (`EACCES`), or null. */
  readonly code: string | null;
  readonly message: string;
  readonly stack: string | null;
  readonly cause: PlainError | null;
}

export function plainError(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { code: null, message: String(thrown), stack: null, cause: null };
  const { code } = thrown as NodeJS.ErrnoException;
  return { code: typeof code === 'string' ? code : null, message: thrown.message, stack: thrown.stack ?? null, cause: thrown.cause === undefined ? null : plainError(thrown.cause) };
}

/** The error again, where it was thrown included: a `MintmarkError` for a code of the catalogue. */
export function errorOf({ code, message, stack, cause }: PlainError): Error {
  const options = cause === null ? {} : { cause: errorOf(cause) };
  const error = code !== null && Object.hasOwn(ERROR_CATALOGUE, code) ? new MintmarkError(code as ErrorCode, message, options) : Object.assign(new Error(message, options), code === null ? {} : { code });
  if (stack !== null) error.stack = stack;
  return error;
}
