/**
 * A signer's own two key pairs, made on its host: one says who asks, the other opens the rings that it is sent.
 *
 * The private halves are in this folder's code and in one file of the signer's state folder, and nowhere else. The server
 * knows the public halves, from the enrolment on.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compactDecrypt, type CompactDecryptResult, type JWTPayload, SignJWT } from 'jose';
import { MintmarkError } from '../domain/errors.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';
import { type EcPublicJwk, publicJwkOf, thumbprint } from './public-jwk.ts';

/** In the state folder. */
export const SIGNER_KEYS_FILE = 'signer-keys.json';
export const ENVELOPE_ALGORITHMS = { keyManagement: 'ECDH-ES+A256KW', content: 'A256GCM' } as const;

const FILE_FORM = 'mintmark-signer-keys+1';
const WHAT = 'The keys of the signer';

export class SignerKeys {
  /** Public half of the key that assertions are signed with. */
  readonly assertionJwk: EcPublicJwk;
  /** Public half of the key that rings are encrypted to. */
  readonly encryptionJwk: EcPublicJwk;
  readonly #assertion: KeyObject;
  readonly #decryption: KeyObject;

  private constructor(assertion: KeyObject, decryption: KeyObject) {
    [this.#assertion, this.#decryption] = [assertion, decryption];
    [this.assertionJwk, this.encryptionJwk] = [publicHalf(assertion), publicHalf(decryption)];
  }

  static generate(): SignerKeys {
    const make = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    return new SignerKeys(make(), make());
  }

  /**
   * The keys in a state folder; null when there are none yet.
   * @throws MintmarkError `InvalidConfiguration` when they can not be read, or others can read them.
   */
  static async load(folder: string): Promise<SignerKeys | null> {
    const file = join(folder, SIGNER_KEYS_FILE);
    const text = await readPrivateFile(file, WHAT);
    if (text === null) return null;
    await assertPrivateFolder(folder);
    try {
      const { form, assertion, decryption } = JSON.parse(text.toString('utf8')) as Record<string, string>;
      if (form !== FILE_FORM) throw new TypeError('another form');
      return new SignerKeys(createPrivateKey(assertion!), createPrivateKey(decryption!));
    } catch {
      // The cause is left out: what the file holds belongs in no log.
      throw new MintmarkError('InvalidConfiguration', `${WHAT} in ${file} are not in the form that Mintmark writes. Restore the file; or delete the signer, empty its state folder and enrol it again.`);
    }
  }

  /** Writes the keys into a state folder, which is made, for its owner only, where it is missing. @throws MintmarkError `InvalidConfiguration` when others can look into the folder. */
  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await assertPrivateFolder(folder);
    const pem = (key: KeyObject): string => String(key.export({ type: 'pkcs8', format: 'pem' }));
    await writePrivateFile(join(folder, SIGNER_KEYS_FILE), `${JSON.stringify({ form: FILE_FORM, assertion: pem(this.#assertion), decryption: pem(this.#decryption) })}\n`);
  }

  /** A JWT of these claims by the assertion key. */
  signAssertion(claims: JWTPayload, typ: string): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ, kid: thumbprint(this.assertionJwk) }).sign(this.#assertion);
  }

  /** Opens what is encrypted to these keys. @throws jose's errors. */
  decrypt(jwe: string): Promise<CompactDecryptResult> {
    const { keyManagement, content } = ENVELOPE_ALGORITHMS;
    return compactDecrypt(jwe, this.#decryption, { keyManagementAlgorithms: [keyManagement], contentEncryptionAlgorithms: [content] });
  }
}

const publicHalf = (key: KeyObject): EcPublicJwk => publicJwkOf(key);

async function assertPrivateFolder(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if ((mode & 0o077) !== 0) throw new MintmarkError('InvalidConfiguration', `The state folder ${folder} is open to others than its owner: run chmod 700 ${folder}.`);
}
