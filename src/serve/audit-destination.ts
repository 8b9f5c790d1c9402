/**
 * Where the audit lines of a server go: to a file, which is opened again on SIGHUP so that it can be rotated by renaming,
 * or to standard output.
 */
import type { Logger } from 'pino';
import { openAuditFile } from '../observability/audit-file.ts';
import type { AuditSink } from '../observability/audit-trail.ts';
import { linesTo } from './lines.ts';

export interface AuditDestination {
  readonly sink: AuditSink;
  close(): void;
}

/** `file` null: standard output. @throws MintmarkError `InvalidConfiguration` when the file can not be opened. */
export function openAuditDestination(file: string | null, log: Logger): AuditDestination {
  if (file === null) return { sink: linesTo(1), close: () => undefined };
  const opened = openAuditFile(file);
  const reopen = (): void => {
    try {
      opened.reopen();
    } catch (err) {
      log.error({ err }, 'the audit log could not be opened again; the former file is written on');
    }
  };
  process.on('SIGHUP', reopen);
  return {
    sink: opened,
    close() {
      process.off('SIGHUP', reopen);
      opened.close();
    },
  };
}
