/** Asks before something that can not be undone, with Azure CLI's words for where nobody can be asked. */
import { failure } from './errors.ts';
import { printable } from './output/printable.ts';
import type { Io } from './session.ts';
import type { Report } from './report.ts';

interface Person {
  readonly io: Pick<Io, 'stdin' | 'stderr'>;
  readonly report: Report;
}

/** Whether there is a terminal to ask on. @throws CommandError (1), with a warning, when there is none and `yes` was not given. */
export function assertCanAsk({ io, report }: Person, yes: boolean): void {
  if (yes || io.stdin.isTTY === true) return;
  report.warn('Unable to prompt for confirmation as no tty available. Use --yes.');
  throw failure('Operation cancelled.');
}

/** Goes on only after a yes. @throws CommandError (1) after a no, an end of input, or where nobody can be asked. */
export async function confirm(person: Person, question: string, yes: boolean): Promise<void> {
  assertCanAsk(person, yes);
  if (yes) return;
  const { createInterface } = await import('node:readline');
  const lines = createInterface({ input: person.io.stdin, terminal: false });
  person.io.stderr.write(`${printable(question)} (y/n): `);
  for await (const line of lines) {
    const answer = line.trim().toLowerCase();
    if (answer === 'y' || answer === 'yes') return lines.close();
    if (answer === 'n' || answer === 'no') break;
    person.io.stderr.write('Please answer y or n. (y/n): ');
  }
  lines.close();
  throw failure('Operation cancelled.');
}
