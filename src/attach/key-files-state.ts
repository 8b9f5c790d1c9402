/** What key-file mode remembers beside the files, `key-files.json`, and an operator's word, `confirmed.json`. Nothing secret. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MintmarkError } from '../domain/errors.ts';
import { isLater, pointText, type RingPoint, type SignerRing } from '../domain/ring-for-signer.ts';
import { writePrivateFile } from '../keys/private-file.ts';

/** A key of the last ring that was written. */
export interface HeldKey {
  readonly kid: string;
  readonly expiresAt: string | null;
  /** False for one that verifies inside the cluster only. */
  readonly signs: boolean;
}

/** A key that is out of the ring and still verifies at this API server. */
export interface RetainedKey {
  readonly kid: string;
  readonly until: string;
}

/** Which signer of which issuer: versions of another say nothing, they begin anew. */
export type Enrolment = Pick<SignerRing, 'issuerId' | 'signer'>;

export interface KeyFilesState extends RingPoint, Enrolment {
  /** The ring from which on the files ask for nothing more than now: a restart since then read what counts. */
  readonly since: RingPoint;
  readonly activeKid: string | null;
  readonly keys: readonly HeldKey[];
  /** Keys that the API server may still verify by and must not. */
  readonly revoked: readonly string[];
  readonly retained: readonly RetainedKey[];
  /** What the API server was last proved, or confirmed, to run with. */
  readonly proved: { readonly kids: readonly string[]; readonly activeKid: string | null } | null;
  /** The files ask for more than that. */
  readonly restartDue: boolean;
  readonly pems: Readonly<Record<string, string>>;
}

const FORM = 'mintmark-key-files+1';
const stateFile = (folder: string): string => join(folder, 'key-files.json');
const confirmedFile = (folder: string): string => join(folder, 'confirmed.json');

/** Null where key-file mode has written nothing. @throws MintmarkError `InvalidConfiguration` for a file that is none of ours. */
export const readState = (folder: string): Promise<KeyFilesState | null> => read<KeyFilesState>(stateFile(folder));

export const writeState = (folder: string, state: KeyFilesState): Promise<void> => write(stateFile(folder), state);

export const isOf = (known: Enrolment, { issuerId, signer }: Enrolment): boolean => known.issuerId === issuerId && known.signer === signer;

/** The last version for which an operator said that the API server was restarted; null where that was for another enrolment. */
export async function confirmedPoint(folder: string, enrolment: Enrolment): Promise<RingPoint | null> {
  const said = await read<RingPoint & Enrolment>(confirmedFile(folder));
  return said !== null && isOf(said, enrolment) ? said : null;
}

/** The API server signs with other files from now on: what it was proved to run with counts no more. */
export async function forget(folder: string): Promise<void> {
  for (const file of [stateFile(folder), confirmedFile(folder)]) await rm(file, { force: true });
}

/**
 * An operator says that the API server was restarted with the files of this version, written `17` or `1-17`.
 * @throws MintmarkError `AttachmentRefused` for a version whose files ask for other keys than those of now.
 */
export async function confirmRestart(folder: string, version: string): Promise<RingPoint> {
  const state = await readState(folder);
  if (state === null) throw new MintmarkError('AttachmentRefused', `There are no key files of Mintmark in ${folder}. Name the folder with --key-folder. Nothing was confirmed.`);
  const [, epoch = String(state.epoch), number] = /^(?:(\d+)-)?(\d+)$/.exec(version) ?? [];
  const said = { epoch: Number(epoch), version: Number(number) };
  if (number === undefined || isLater(said, state)) throw new MintmarkError('AttachmentRefused', `The key files in ${folder} are of version ${pointText(state)}; ${version} is not among what the API server can have read. Nothing was confirmed.`);
  if (isLater(state.since, said)) throw new MintmarkError('AttachmentRefused', `The key files in ${folder} have other keys since version ${pointText(state.since)}, which the API server may not have read. Restart it once more, then confirm that version. Nothing was confirmed.`);
  await write(confirmedFile(folder), { ...said, issuerId: state.issuerId, signer: state.signer });
  return said;
}

async function read<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  return text === null ? null : parsed<T>(text, file);
}

function parsed<T>(text: string, file: string): T {
  try {
    const { form, ...value } = JSON.parse(text) as T & { readonly form: string };
    if (form === FORM) return value as T;
  } catch {
    // Said below, for both cases.
  }
  throw new MintmarkError('InvalidConfiguration', `${file} is not in the form that Mintmark writes. Move it away and start the signer again: it then asks for proof anew.`);
}

const write = (file: string, value: object): Promise<void> => writePrivateFile(file, `${JSON.stringify({ form: FORM, ...value }, null, 2)}\n`);
