/**
 * What is said on stderr beside the result: warnings, waits, errors, and with `--verbose` or `--debug` each exchange with the
 * server. Never a body; in headers, credentials are left out. What steers a terminal is written as an escape; only an error
 * may have several lines.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Globals } from './globals.ts';
import type { Exchange, Reply } from './https-exchange.ts';
import { printable, printableLines } from './output/printable.ts';

export interface Report {
  warn(text: string): void;
  /** A line for people that is neither a warning nor a result, such as what is waited for. */
  note(text: string): void;
  error(text: string): void;
  exchange(sent: Exchange, outcome: Reply | Error, milliseconds: number): void;
}

const SECRET_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie']);

export function createReport(globals: Pick<Globals, 'onlyShowErrors' | 'verbose' | 'debug'>, write: (text: string) => void): Report {
  const line = (level: string, text: string): void => write(`${level}: ${printable(text)}\n`);
  return {
    warn: (text) => { if (!globals.onlyShowErrors) line('WARNING', text); },
    note: (text) => { if (!globals.onlyShowErrors) line('INFO', text); },
    error: (text) => write(`ERROR: ${printableLines(text)}\n`),
    exchange(sent, outcome, milliseconds) {
      if (!globals.verbose) return;
      const id = sent.headers['x-ms-client-request-id'];
      const result = outcome instanceof Error ? ((outcome as NodeJS.ErrnoException).code ?? outcome.message) : outcome.status;
      line('INFO', `${sent.method} ${sent.url} ${result} ${Math.round(milliseconds)} ms${id === undefined ? '' : ` request ${id}`}`);
      if (!globals.debug) return;
      for (const text of headerLines('>', sent.headers)) line('DEBUG', text);
      if (!(outcome instanceof Error)) for (const text of headerLines('<', outcome.headers)) line('DEBUG', text);
    },
  };
}

const headerLines = (direction: string, headers: IncomingHttpHeaders | Exchange['headers']): readonly string[] =>
  Object.entries(headers).map(([name, value]) => `${direction} ${name}: ${SECRET_HEADERS.has(name.toLowerCase()) ? '(left out)' : String(value)}`);
