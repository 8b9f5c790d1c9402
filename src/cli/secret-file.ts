/** A secret in a file of its own: kept off the command line, where other users of the machine could read it. */
import { readFile, stat } from 'node:fs/promises';
import { failure } from './errors.ts';
import type { Report } from './report.ts';

const LONGEST = 1024;

/** The secret, without the line break at its end. Warns when others can read the file. @throws CommandError (1). */
export async function readSecretFile(file: string, report: Report): Promise<string> {
  const [text, { mode }] = await Promise.all([readFile(file, 'utf8'), stat(file)]).catch((error: Error) => { throw failure(`The secret file ${file} can not be read: ${error.message}.`); });
  if ((mode & 0o077) !== 0) report.warn(`The secret file ${file} can be read by others than its owner: run chmod 600 ${file}.`);
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '' || secret.length > LONGEST || /\s/.test(secret)) throw failure(`The secret file ${file} has to hold the client secret and nothing else.`);
  return secret;
}
