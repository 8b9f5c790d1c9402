import { hash } from 'node:crypto';

/** A UUID (RFC 9562, version 8) for what Azure would make one for: the same each time for the same resource. */
export function derivedUuid(...of: readonly string[]): string {
  const bytes = hash('sha256', JSON.stringify(of), 'buffer');
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
