/**
 * Loaded into a server before its own code (`node --import`): a disk that does not answer. While the file that TEST_HOLD
 * names is there, a connection that writes stands still where it would wait for the disk, in its commit, and so does the thread
 * that has asked; `<file>.held` tells that one does.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const hold = process.env['TEST_HOLD'] ?? '';
const writing = new WeakSet<DatabaseSync>();
const clock = new Int32Array(new SharedArrayBuffer(4));
const exec = DatabaseSync.prototype.exec;

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  if (sql === 'begin immediate') writing.add(this);
  if (sql === 'commit' && writing.has(this) && existsSync(hold)) standStill();
  exec.call(this, sql);
};

function standStill(): void {
  writeFileSync(`${hold}.held`, '');
  while (existsSync(hold)) Atomics.wait(clock, 0, 0, 10);
}
