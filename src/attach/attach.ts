/**
 * Carries out what `attach-plan.ts` decided, in an order that a crash at any place leaves in a state which a second run
 * completes: the former keys imported, the signer able to do its part, record and patches written, then the manifest;
 * and all of it put back when the API server does not come up.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMintmarkError, MintmarkError } from '../domain/errors.ts';
import { type KeyFileKey, keysOfFile } from '../keys/key-files.ts';
import { KEY_FILES } from './api-server-flags.ts';
import { type AttachPlan, heldOf } from './attach-plan.ts';
import { type AttachmentRecord, readRecord, RECORD_FORM, writeRecord } from './attachment-record.ts';
import { backUp, replaceIfStill, replaceManifest, textIfThere, textOf, writeShared } from './host-files.ts';
import { forget } from './key-files-state.ts';
import { parseManifest } from './manifest.ts';
import { PATCH_FILE } from './patches.ts';
import type { Readiness } from './readiness.ts';

export interface Surroundings {
  /** Null: they are imported already. */
  readonly importKey: ((key: KeyFileKey) => Promise<void>) | null;
  /** The public keys of the issuer's ring, PEM. */
  readonly ourKeys: () => Promise<string>;
  /** Kids of the keys that the signer gives at the socket. @throws when nobody answers there. */
  readonly signerKids: (socket: string) => Promise<readonly string[]>;
  /** Null: nobody said where to look. */
  readonly readiness: Readiness | null;
  readonly now: () => Date;
  /** Waits for `check`, for as long as a signer needs to hear of an import. */
  readonly patience: (check: () => Promise<boolean>) => Promise<boolean>;
}

export type AttachOutcome = 'attached' | 'unchanged';

/** @throws MintmarkError `AttachmentRefused`: nothing was changed on this host, or all was put back; the message says what was imported before. */
export async function carryOut(plan: AttachPlan, around: Surroundings): Promise<AttachOutcome> {
  await around.readiness?.assertReady();
  await assertOwnSigner(plan, around);
  const imported = await importFormer(plan, around);
  await assertServed(plan, around).catch((error: unknown) => { throw imported.length === 0 ? error : afterImport(error, imported); });
  const isNew = plan.before !== plan.after;
  const backup = isNew ? await backUp(plan.request.manifest, plan.before, plan.request.backupFolder, around.now()) : plan.record?.backup ?? '';
  const aside = await asideNow(plan);
  const record = recordOf(plan, plan.record?.backup ?? backup);
  await writeAside(plan, isNew ? { ...record, former: plan.held } : record);
  if (!isNew) return 'unchanged';
  await replaceManifest(plan.request.manifest, plan.after, plan.before).catch(async (error: unknown) => {
    await putAsideBack(plan, aside, { ...record, former: plan.held });
    throw error;
  });
  if (around.readiness !== null) await confirmOrPutBack(plan, around.readiness, aside, backup);
  await writeRecord(plan.request.keyFolder, record);
  return 'attached';
}

async function importFormer({ formerKeys }: AttachPlan, { importKey }: Surroundings): Promise<readonly KeyFileKey[]> {
  if (importKey === null) return [];
  for (const key of formerKeys) await importKey(key);
  return formerKeys;
}

/** On this host nothing was changed; on the server something was, which a second run finds done. */
function afterImport(error: unknown, imported: readonly KeyFileKey[]): unknown {
  if (!isMintmarkError(error, 'AttachmentRefused')) return error;
  const done = `Nothing was changed on this host. The public ${imported.length === 1 ? 'key' : 'keys'} of its former tokens (${imported.map(({ kid }) => kid).join(', ')}) ${imported.length === 1 ? 'is' : 'are'} imported by now, and may stay: a second run goes on from there.`;
  return new MintmarkError(error.code, error.message.replace(/Nothing was changed\.$/, done), { cause: error });
}

/**
 * That the signer on this host is that of the issuer whose name the flags will have. Another's refuses every token of that name; its key
 * files sign them, for nobody to verify. Before anything is imported: that would be for the wrong cluster.
 * @throws MintmarkError `AttachmentRefused`, also when nobody answers or the files are not there.
 */
async function assertOwnSigner(plan: AttachPlan, around: Pick<Surroundings, 'ourKeys' | 'signerKids'>): Promise<void> {
  const { request: { keyFolder, socket }, attachment: { way, stage, issuerUrl } } = plan;
  if (stage === 'accept') return;
  const [given, ours] = [await kidsOnHost(plan, around), await around.ourKeys()];
  if (ours !== '' && keysOfFile(ours, issuerUrl).some(({ kid }) => given.includes(kid))) return;
  throw new MintmarkError('AttachmentRefused', `${way === 'external' ? `The signer at ${socket}` : `What is in ${keyFolder}`} has no key of ${issuerUrl}: it is of another cluster, and the API server's tokens would fail. See whether -g and -n name the cluster of this host, and ${way === 'external' ? '--socket' : '--key-folder'} its signer; the signer's log begins with its issuer. Nothing was changed.`);
}

/** Why the signer on this host will not do, as it is now; null when it will, as far as can be seen without a change. */
export async function signerFault(plan: AttachPlan, around: Surroundings): Promise<string | null> {
  try {
    await assertOwnSigner(plan, around);
    return null;
  } catch (error) {
    if (!isMintmarkError(error, 'AttachmentRefused')) throw error;
    return error.message.replace(/ Nothing was changed\.$/, '');
  }
}

const kidsOnHost = ({ request: { keyFolder, socket }, attachment: { way } }: AttachPlan, { signerKids }: Pick<Surroundings, 'signerKids'>): Promise<readonly string[]> =>
  (way === 'external' ? signerKids(socket) : kidsOfFiles(keyFolder));

/** That the API server will find what its flags will name. */
async function assertServed(plan: AttachPlan, around: Surroundings): Promise<void> {
  const { request: { keyFolder }, attachment: { stage } } = plan;
  if (stage === 'accept') return writeShared(join(keyFolder, KEY_FILES.acceptedKeys), await around.ourKeys());
  const missing = async (): Promise<readonly KeyFileKey[]> => {
    const known = await kidsOnHost(plan, around);
    return plan.formerKeys.filter(({ kid }) => !known.includes(kid));
  };
  if (await around.patience(async () => (await missing()).length === 0)) return;
  throw new MintmarkError('AttachmentRefused', `The signer on this host does not give the key ${(await missing()).map(({ kid }) => kid).join(', ')}, with which running pods' tokens were signed: they would be refused. See whether it reaches its server ('mintmark signer list'), then run this again. Nothing was changed.`);
}

async function kidsOfFiles(folder: string): Promise<readonly string[]> {
  const [privateKey, publicKeys] = [join(folder, KEY_FILES.privateKey), join(folder, KEY_FILES.publicKeys)];
  const [signing, verifying] = [await textIfThere(privateKey), await textIfThere(publicKeys)];
  if (signing === null || verifying === null) throw new MintmarkError('AttachmentRefused', `${signing === null ? privateKey : publicKeys} is not there. Start the signer with --mode key-files and --key-folder ${folder}, which writes it, then run this again. Nothing was changed.`);
  const kids = keysOfFile(verifying, publicKeys).map(({ kid }) => kid);
  if (!kids.includes(keysOfFile(signing, privateKey)[0]!.kid)) throw new MintmarkError('AttachmentRefused', `${publicKeys} does not hold the key of ${privateKey}: the signer is just writing them, or someone else did. Run this again. Nothing was changed.`);
  return kids;
}

const patchFileOf = (folder: string): string => join(folder, PATCH_FILE);

/** Record and patches; the text of those is null when there are none, or none are wanted. */
interface Aside {
  readonly record: AttachmentRecord | null;
  readonly patches: string | null;
}

async function asideNow({ request: { keyFolder, patchesFolder } }: AttachPlan): Promise<Aside> {
  return { record: await readRecord(keyFolder), patches: patchesFolder === null ? null : await textIfThere(patchFileOf(patchesFolder)) };
}

const recordOf = ({ request: { manifest, patchesFolder, issuerUrl }, attachment: { way, stage }, operations }: AttachPlan, backup: string): AttachmentRecord =>
  ({ form: RECORD_FORM, manifest, issuerUrl, way, stage, operations, backup, patchesFolder });

/** Before the manifest: what they say of a manifest that lacks it, or holds what the record calls former, is no fault. */
async function writeAside({ request: { keyFolder, patchesFolder }, operations }: AttachPlan, record: AttachmentRecord): Promise<void> {
  await writeRecord(keyFolder, record);
  if (patchesFolder === null) return;
  await mkdir(patchesFolder, { recursive: true, mode: 0o700 });
  await writeShared(patchFileOf(patchesFolder), `${JSON.stringify(operations, null, 2)}\n`);
}

async function confirmOrPutBack(plan: AttachPlan, readiness: Readiness, aside: Aside, backup: string): Promise<void> {
  const why = await readiness.awaitRestart();
  if (why === null) return;
  const { request: { manifest }, before, after } = plan;
  // Record and patches stay with the flags that they tell of.
  if (!(await replaceIfStill(manifest, before, after))) throw new MintmarkError('AttachmentRefused', `The API server did not come up with the new flags: ${why} ${manifest} was changed by another meanwhile, so it was left as it is, with Mintmark's flags. Mend it by hand, or take those out with 'mintmark signer detach', which leaves what the other changed. The backup is ${backup}.`);
  await restoreAside(plan, aside);
  const back = await readiness.awaitReady();
  throw new MintmarkError('AttachmentRefused', `The API server did not come up with the new flags: ${why} The former manifest is in its place again${back === null ? ', and the API server is ready.' : `; the API server is not ready yet: ${back}`} Its log says why it refused: crictl logs, or /var/log/pods. The backup is ${backup}.`);
}

/** After a refusal, unless they are true by now: another run did the same at the same time, or something else. */
async function putAsideBack(plan: AttachPlan, aside: Aside, written: AttachmentRecord): Promise<void> {
  const { manifest, keyFolder } = plan.request;
  if (heldOf(parseManifest(await textOf(manifest), manifest).document, written) === written.operations) return;
  if (isDeepStrictEqual(await readRecord(keyFolder), written)) await restoreAside(plan, aside);
}

async function restoreAside({ request: { keyFolder, patchesFolder } }: AttachPlan, { record, patches }: Aside): Promise<void> {
  await writeRecord(keyFolder, record);
  if (patchesFolder !== null) await putBack(patchFileOf(patchesFolder), patches);
}

const putBack = (file: string, text: string | null): Promise<void> => (text === null ? rm(file, { force: true }) : writeShared(file, text));

/** What `signer detach` needs to know to take patches and key files away. */
export async function removeAside(record: AttachmentRecord, keyFolder: string): Promise<void> {
  if (record.patchesFolder !== null) await rm(patchFileOf(record.patchesFolder), { force: true });
  await rm(join(keyFolder, KEY_FILES.acceptedKeys), { force: true });
  await forget(keyFolder);
  await writeRecord(keyFolder, null);
}
