/**
 * The audit log as a file: appended to, for its owner only, opened again on request so that it can be rotated by renaming.
 *
 * A line is one write, so that lines of several processes never mix.
 */
import { closeSync, fchmodSync, openSync, writeSync } from 'node:fs';
import { MintmarkError } from '../domain/errors.ts';
import type { AuditSink } from './audit-trail.ts';

export interface AuditFile extends AuditSink {
  /**
   * Lets go of the file, which may have been renamed, and opens or makes one by the same name.
   * @throws MintmarkError `InvalidConfiguration` when that can not be done; the former file is written on.
   */
  reopen(): void;
  close(): void;
}

/** `write` gives how many bytes it wrote. @throws MintmarkError `InvalidConfiguration` when the file can not be opened. */
export function openAuditFile(file: string, write: (descriptor: number, bytes: Buffer) => number = writeSync): AuditFile {
  let descriptor = openPrivate(file);
  let whole = true;
  return {
    write(line) {
      // After a line that was cut off, by a full disk for one, the next begins where a line begins.
      const bytes = Buffer.from(whole ? line : `\n${line}`);
      whole = false;
      if (write(descriptor, bytes) !== bytes.length) throw new Error('The disk took a part of the line only.');
      whole = true;
    },
    reopen() {
      const next = openPrivate(file);
      closeSync(descriptor);
      [descriptor, whole] = [next, true];
    },
    close: () => closeSync(descriptor),
  };
}

function openPrivate(file: string): number {
  try {
    const descriptor = openSync(file, 'a', 0o600);
    fchmodSync(descriptor, 0o600);
    return descriptor;
  } catch (error) {
    throw new MintmarkError('InvalidConfiguration', `The audit log ${file} can not be opened: ${(error as Error).message}. Choose another place, or give it to the user that Mintmark runs as.`, { cause: error });
  }
}
