/**
 * The folder in which a signer keeps what it has to have when its server is away: who it is, its ring (encrypted to it, as
 * it came), and when it last heard from the server.
 *
 * Owns the files and their forms, and that one process at a time uses them. Everything in it is 0600 and on the disk
 * before it counts. Leaves to `keys/signer-keys.ts` the signer's own keys, which lie beside.
 */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { weakPlace } from '../keys/guarded-folder.ts';
import { readPrivateFile, removeCutOff, removePrivateFile, writePrivateFile } from '../keys/private-file.ts';
import { type EcPublicJwk, publicKeyOfJwk } from '../keys/public-jwk.ts';
import { SIGNER_KEYS_FILE } from '../keys/signer-keys.ts';
import type { LockFile } from './socket.ts';

/** What an enrolment leaves: where the server is, how to know it, and who the signer is to it. */
export interface EnrolledAs {
  /** Where signers reach the server; no path. */
  readonly url: string;
  /** The certificate (PEM) that every connection has to lead to; null: the roots of this machine. */
  readonly ca: string | null;
  readonly signerId: string;
  readonly name: string;
  readonly issuerId: string;
  readonly issuerUrl: string;
  /** Every ring has to be signed by this key. */
  readonly ringSigningKey: EcPublicJwk;
  /** For how many seconds a request for a ring waits. */
  readonly pollSeconds: number;
}

export interface StateFolder {
  readonly dir: string;
  /** Null where nothing was enrolled. @throws MintmarkError `InvalidConfiguration`. */
  enrolledAs(): Promise<EnrolledAs | null>;
  saveEnrolment(enrolled: EnrolledAs): Promise<void>;
  /** The envelope of the last ring; null where there is none. */
  ring(): Promise<string | null>;
  saveRing(jwe: string): Promise<void>;
  /** Forgets the ring: the signer was deleted. */
  wipeRing(): Promise<void>;
  /** Whether the last ring that the server gave was refused: a restart does not change that. */
  hasRefused(): Promise<boolean>;
  saveRefusal(hasRefused: boolean): Promise<void>;
  /** When the last answered request was sent; null when that is not known. */
  contact(): Promise<Date | null>;
  saveContact(at: Date): Promise<void>;
  /** Lets another process use the folder. */
  release(): void;
}

const FORM = 'mintmark-enrolment+1';
/** Seconds. Servers say less than a minute. */
const LONGEST_POLL = 3600;
const TEXTS = ['url', 'signerId', 'name', 'issuerId', 'issuerUrl'] as const satisfies readonly (keyof EnrolledAs)[];

/**
 * Opens the folder, making it where it is missing, and locks it until `release` or the end of the process.
 * @throws MintmarkError `HomeInUse` while another process holds it; `InvalidConfiguration` when it can not be used.
 */
export async function openStateFolder(path: string, lockFile: LockFile): Promise<StateFolder> {
  const dir = resolve(path);
  await makePrivate(dir);
  const lock = lockFile(join(dir, 'lock'), `Another signer runs on the state folder ${dir}. Stop it, or give this one another folder with --state-dir DIR.`);
  const files = ['enrolment.json', 'ring.jwe', 'refused', 'contact', SIGNER_KEYS_FILE].map((name) => join(dir, name));
  const [enrolment, ring, refused, contact] = files as [string, string, string, string];
  // A former process may have ended in the middle of a write.
  for (const file of files) await removeCutOff(file);
  return {
    dir,
    async enrolledAs() {
      const text = await readPrivateFile(enrolment, 'The enrolment');
      return text === null ? null : parseEnrolment(String(text), enrolment);
    },
    saveEnrolment: (enrolled) => writePrivateFile(enrolment, `${JSON.stringify({ form: FORM, ...enrolled }, null, 2)}\n`),
    ring: async () => (await readPrivateFile(ring, 'The ring'))?.toString('utf8') ?? null,
    saveRing: (jwe) => writePrivateFile(ring, jwe),
    wipeRing: () => removePrivateFile(ring),
    hasRefused: async () => (await readPrivateFile(refused, 'That the last ring was refused')) !== null,
    saveRefusal: (hasRefused) => (hasRefused ? writePrivateFile(refused, '1\n') : removePrivateFile(refused)),
    async contact() {
      const at = new Date(String(await readPrivateFile(contact, 'The time of the last contact')).trim());
      return Number.isNaN(at.getTime()) ? null : at;
    },
    saveContact: (at) => writePrivateFile(contact, `${at.toISOString()}\n`),
    release: lock.release,
  };
}

async function makePrivate(dir: string): Promise<void> {
  try {
    if ((await mkdir(dir, { recursive: true, mode: 0o700 })) !== undefined) await chmod(dir, 0o700);
    const { mode } = await stat(dir);
    if ((mode & 0o077) !== 0) throw new MintmarkError('InvalidConfiguration', `The state folder ${dir} is open to others than its owner: run chmod 700 ${dir}.`);
    const weak = await weakPlace(dir);
    if (weak !== null) throw new MintmarkError('InvalidConfiguration', `${weak.fault}, so keys of theirs could take the place of the signer's in ${dir}. Choose a folder of the signer's own, such as /var/lib/mintmark-signer, or close this one ('${weak.mend}').`);
  } catch (error) {
    if (error instanceof MintmarkError) throw error;
    throw new MintmarkError('InvalidConfiguration', `The state folder ${dir} can not be made or read (${(error as NodeJS.ErrnoException).code}). Choose another with --state-dir DIR.`, { cause: error });
  }
}

/** A file that was changed by hand ends a start here, and not later where nothing can be done. */
const isUsable = ({ url, ca, ringSigningKey, pollSeconds }: EnrolledAs): boolean =>
  URL.parse(url)?.protocol === 'https:' && (ca === null || typeof ca === 'string') && publicKeyOfJwk(ringSigningKey) !== null &&
  Number.isSafeInteger(pollSeconds) && pollSeconds >= 1 && pollSeconds <= LONGEST_POLL;

function parseEnrolment(text: string, file: string): EnrolledAs {
  try {
    const { form, ...enrolled } = JSON.parse(text) as EnrolledAs & { readonly form: string };
    if (form === FORM && TEXTS.every((member) => typeof enrolled[member] === 'string') && isUsable(enrolled)) return enrolled;
  } catch {
    // Said below, for both cases.
  }
  throw new MintmarkError('InvalidConfiguration', `${file} is not in the form that Mintmark writes. Restore it, or empty the state folder and enrol this signer again.`);
}
