import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { diskError } from './disk-errors.ts';

const errno = (code: string): Error => Object.assign(new Error(`${code}: said by the system, write`), { code, syscall: 'write' });

for (const [name, code, advice] of [
  ['ENOSPC', 'StoreFull', /Free some space/],
  ['EDQUOT', 'StoreFull', /raise the quota/],
  ['EROFS', 'StoreUnavailable', /Make it writable again/],
  ['EIO', 'StoreUnavailable', /look at the kernel log/],
] as const) {
  test(`${name} is ${code}, and says of what and what to do`, () => {
    const error = diskError(errno(name), 'The home /h can not be written');
    assert.equal(error?.code, code);
    assert.match(error.message, new RegExp(`^The home /h can not be written: ${name}: said by the system, write\\. .*`));
    assert.match(error.message, advice);
  });
}

test('a full device of the system is one', () => {
  try {
    writeFileSync('/dev/full', 'x');
    assert.fail('it was written');
  } catch (error) {
    assert.equal(diskError(error, 'It')?.code, 'StoreFull');
  }
});

test('any other error is none of these', () => {
  for (const error of [errno('ENOENT'), Object.assign(new Error('a code of its own'), { code: 'EIO' }), new Error('x'), 'EROFS', null]) assert.equal(diskError(error, 'It'), null);
});
