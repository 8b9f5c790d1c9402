/** The refusal of a rotation by hand that would revoke keys, where the configuration wants that to be asked for. */
import { type ErrorDetail, MintmarkError } from './errors.ts';
import type { SigningKey } from './key-ring.ts';

/** `command`: the one that rotates and revokes. `liveTokens`: kid → recorded tokens that have not ended. */
export function unaskedRevocation(keys: readonly SigningKey[], liveTokens: ReadonlyMap<string, number>, command: string): MintmarkError {
  const code = 'RotationWouldRevoke';
  const details = keys.map((key): ErrorDetail => ({ code, target: key.kid, message: `${key.kid} (${tokensOn(liveTokens.get(key.kid) ?? 0)}${endOf(key)})` }));
  const [which, has] = keys.length === 1 ? ['the retired key', 'it has'] : ['the retired keys', 'they have'];
  return new MintmarkError(code, [
    `Rotating now would revoke ${which} ${details.map(({ message }) => message).join(', ')}, and this server does so only when it is asked for (issuers.secondRotation is confirm). Nothing was changed.`,
    'Tokens that API servers made are not counted.',
    `Wait until ${has} left the JWKS, or, if those tokens may fail at once, run: ${command} --revoke-previous. With --force instead it would not wait for caches either.`,
  ].join(' '), { details });
}

const tokensOn = (count: number): string => (count === 0 ? 'no recorded token lives on it (those that API servers signed are not recorded)' : `${count} recorded ${count === 1 ? 'token lives' : 'tokens live'} on it`);

const endOf = ({ expiresAt }: SigningKey): string => (expiresAt === null ? '' : `; it leaves the JWKS by itself at ${expiresAt.toISOString()}`);
