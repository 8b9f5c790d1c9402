/** What the system says of a disk, in words for whoever runs Mintmark: errno(3). */
import { type ErrorCode, MintmarkError } from '../domain/errors.ts';

const FULL: readonly [ErrorCode, string] = ['StoreFull', 'Free some space, or raise the quota.'];

/** Name of the errno → code, and what to do. */
const MEANINGS: ReadonlyMap<unknown, typeof FULL> = new Map<unknown, typeof FULL>([
  ['ENOSPC', FULL],
  ['EDQUOT', FULL],
  ['EROFS', ['StoreUnavailable', 'The disk can only be read: the kernel log says why. Make it writable again.']],
  ['EIO', ['StoreUnavailable', 'The disk reported an error: look at the kernel log.']],
]);

/** The foreseen error that a failure of the file system stands for, beginning with `what`; null for any other error. */
export function diskError(error: unknown, what: string): MintmarkError | null {
  const meaning = error instanceof Error && 'syscall' in error && 'code' in error ? MEANINGS.get(error.code) : undefined;
  return meaning === undefined ? null : new MintmarkError(meaning[0], `${what}: ${(error as Error).message}. ${meaning[1]}`, { cause: error });
}
