/**
 * Why a command ends without success: one class with the text for stderr and the exit code of Azure CLI
 * (1 the server or this machine, 2 bad arguments, 3 not found).
 */
import type { ErrorBody } from '../http/management/contract.ts';
import { printable } from './output/printable.ts';

export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: 1 | 2 | 3;
  /** The server's HTTP status, where it is the server that refused. */
  readonly status: number | null;

  constructor(message: string, exitCode: 1 | 2 | 3, status: number | null = null) {
    super(message);
    this.exitCode = exitCode;
    this.status = status;
  }
}

/** Bad arguments. */
export const usageError = (message: string): CommandError => new CommandError(message, 2);

/** Something on this machine, or a refusal that needs no request. */
export const failure = (message: string): CommandError => new CommandError(message, 1);

export const isNotFound = (error: unknown): boolean => error instanceof CommandError && error.status === 404;

/** The server has this key already, which is all that an import wants. */
export const isExistingKey = (error: unknown): boolean => error instanceof CommandError && error.status === 409 && error.message.startsWith('(KeyExists)');

type ErrorFacts = ErrorBody['error'];

/** A refusal of the server. `body` is what it sent, whatever that was. */
export function serverError(status: number, reason: string, body: string): CommandError {
  const exitCode = status === 404 ? 3 : 1;
  const facts = factsOfBody(body);
  const message = facts === null ? `Operation returned an invalid status '${reason}'` : errorText(facts);
  return new CommandError(message, exitCode, status);
}

/** `(Code) message` and the lines below it, as Azure CLI prints an error of Azure Resource Manager. */
export function errorText(facts: ErrorFacts): string {
  const [code, message] = [printable(facts.code), printable(facts.message)];
  const lines = [`(${code}) ${message}`, `Code: ${code}`, `Message: ${message}`];
  if (facts.target !== undefined && facts.target !== null) lines.push(`Target: ${printable(facts.target)}`);
  const inner = (facts.details ?? []).map((detail) => errorText(detail).split('\n').map((line) => `\t${line}`).join('\n'));
  return inner.length === 0 ? lines.join('\n') : `${lines.join('\n')}\nException Details:${inner.join('\n')}`;
}

/** Details inside details beyond this many are left out: nobody reads so deep, and each costs a tab on each line below it. */
const DEEPEST_DETAILS = 8;

/** What is read of an error that a server sent, whatever that is; null when it has no code and message. */
export function readFacts(value: unknown, depth = 0): ErrorFacts | null {
  const { code, message, target, details } = Object(value) as Readonly<Record<string, unknown>>;
  if (typeof code !== 'string' || typeof message !== 'string') return null;
  const inner = Array.isArray(details) && depth < DEEPEST_DETAILS ? details.map((detail) => readFacts(detail, depth + 1)).filter((detail) => detail !== null) : [];
  return { code, message, ...(typeof target === 'string' ? { target } : {}), details: inner };
}

/** Reads `{error:{code,message}}`, the flat form `{code,message}` of some providers, and OAuth's `{error,error_description}`. */
function factsOfBody(body: string): ErrorFacts | null {
  const parsed = parseObject(body);
  if (typeof parsed['error'] === 'string') return { code: parsed['error'], message: String(parsed['error_description'] ?? '') };
  return readFacts(parsed['error'] ?? parsed);
}

/** Empty when it is none. */
function parseObject(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
