/** The active key of a ring as a signer has it: it signs and verifies what it signed, and its private half goes nowhere but into an `sa.key`. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { AlgorithmName, PublicMembers } from '../domain/algorithms.ts';
import { publicKeyOf } from './generate.ts';
import { removeCutOff, writePrivateFile } from './private-file.ts';
import { signVerified } from './sign.ts';

export class RingSigner {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;

  private constructor({ kid, algorithm, publicMembers }: PublicHalf, privateKey: KeyObject) {
    [this.kid, this.algorithm, this.#privateKey, this.#publicKey] = [kid, algorithm, privateKey, publicKeyOf(algorithm, publicMembers)];
  }

  /** Null when the private half (PKCS #8, DER) is not that of the public half. Overwrites `privateHalf`. */
  static async open(half: PublicHalf, privateHalf: Buffer): Promise<RingSigner | null> {
    try {
      const privateKey = createPrivateKey({ key: privateHalf, format: 'der', type: 'pkcs8' });
      const signer = new RingSigner(half, privateKey);
      // Withheld, and so caught below, when the two halves do not belong together.
      await signer.sign(Buffer.from('mintmark probe'));
      return signer;
    } catch {
      return null;
    } finally {
      privateHalf.fill(0);
    }
  }

  /** The signature over `input` as JWS has it. @throws MintmarkError `SealBroken` when it does not verify: it is withheld. */
  sign(input: Buffer): Promise<Buffer> {
    return signVerified({ algorithm: this.algorithm, privateKey: this.#privateKey, publicKey: this.#publicKey }, input);
  }

  /** Writes the private half as PEM (PKCS #8), 0600, whole or not at all: for an API server that reads its key from a file. One process may write the file. */
  async writePem(file: string): Promise<void> {
    await removeCutOff(file);
    await writePrivateFile(file, String(this.#privateKey.export({ type: 'pkcs8', format: 'pem' })));
  }
}

interface PublicHalf {
  readonly kid: string;
  readonly algorithm: AlgorithmName;
  readonly publicMembers: PublicMembers;
}
