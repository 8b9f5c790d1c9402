/**
 * Why a command ends without success: one class with the text for stderr and the exit code of Azure CLI
 * (1 the server or this machine, 2 bad arguments, 3 not found).
 */
import type { ErrorBody } from '../http/management/contract.ts';

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

type ErrorFacts = ErrorBody['error'];

/** A refusal of the server. `body` is what it sent, whatever that was. */
export function serverError(status: number, reason: string, body: string): CommandError {
  const exitCode = status === 404 ? 3 : 1;
  const facts = errorFacts(body);
  const message = facts === null ? `Operation returned an invalid status '${reason}'` : errorText(facts);
  return new CommandError(message, exitCode, status);
}

/** `(Code) message` and the lines below it, as Azure CLI prints an error of Azure Resource Manager. */
export function errorText({ code, message, target, details }: ErrorFacts): string {
  const lines = [`(${code}) ${message}`, `Code: ${code}`, `Message: ${message}`];
  if (target !== undefined && target !== null) lines.push(`Target: ${target}`);
  const inner = (details ?? []).map((detail) => errorText(detail).split('\n').map((line) => `\t${line}`).join('\n'));
  return inner.length === 0 ? lines.join('\n') : `${lines.join('\n')}\nException Details:${inner.join('\n')}`;
}

/** Reads `{error:{code,message}}`, the flat form `{code,message}` of some providers, and OAuth's `{error,error_description}`. */
function errorFacts(body: string): ErrorFacts | null {
  const parsed = parseObject(body);
  if (parsed === null) return null;
  if (typeof parsed['error'] === 'string') return { code: parsed['error'], message: String(parsed['error_description'] ?? '') };
  const facts = (parsed['error'] ?? parsed) as Partial<ErrorFacts>;
  return typeof facts.code === 'string' && typeof facts.message === 'string' ? (facts as ErrorFacts) : null;
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
