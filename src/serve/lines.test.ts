import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesTo, logLinesTo, wordsTo } from './lines.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** A file that takes so many bytes of each of the next writes, or fails; when there is none left, everything. */
function file(...turns: (number | Error)[]) {
  const written: string[] = [];
  return {
    turns,
    text: () => written.join(''),
    write(_descriptor: number, bytes: Buffer): number {
      const turn = turns.shift() ?? bytes.length;
      if (turn instanceof Error) throw turn;
      written.push(bytes.toString('utf8', 0, turn));
      return Math.min(turn, bytes.length);
    },
  };
}

test('lines of a log that can not be written are lost and counted, and the next one says how many', () => {
  const disk = file(failure('ENOSPC'), failure('EPIPE'));
  const log = logLinesTo(2, disk.write);
  for (const n of [1, 2, 3, 4]) log.write(`{"n":${n}}\n`);
  assert.equal(disk.text(), '{"n":3,"lostBefore":2}\n{"n":4}\n');
  assert.equal(log.lost, 2);
  disk.turns.push(failure('EIO'));
  for (const n of [5, 6]) log.write(`{"n":${n}}\n`);
  assert.equal(disk.text(), '{"n":3,"lostBefore":2}\n{"n":4}\n{"n":6,"lostBefore":1}\n');
  assert.equal(log.lost, 3);
});

test('after a line that was cut off the next begins where a line begins', () => {
  const disk = file(4, failure('ENOSPC'));
  const log = logLinesTo(2, disk.write);
  for (const n of [1, 2]) log.write(`{"n":${n}}\n`);
  assert.equal(disk.text(), '{"n"\n{"n":2,"lostBefore":1}\n');
  assert.equal(log.lost, 1);
});

test('a pipe that takes a part, or is full for a moment, is waited for', () => {
  const pipe = file(4, failure('EAGAIN'), 2);
  const log = logLinesTo(2, pipe.write);
  for (const n of [1, 2]) log.write(`{"n":${n}}\n`);
  assert.equal(pipe.text(), '{"n":1}\n{"n":2}\n');
  assert.equal(log.lost, 0);
});

test('whoever has to know of a line that is lost is told; what is only said is not', () => {
  assert.throws(() => linesTo(1, file(failure('ENOSPC')).write).write('a line\n'), { code: 'ENOSPC' });
  const disk = file(failure('ENOSPC'));
  const words = wordsTo(1, disk.write);
  words.write('lost\n');
  words.write('said\n');
  assert.equal(disk.text(), 'said\n');
});
