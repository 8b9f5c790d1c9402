/** `signer attach`, `signer detach`: the API server on this host takes part, or does not any more. */
import type { AttachmentLock } from '../../attach/attachment-lock.ts';
import type { AttachPlan, AttachRequest } from '../../attach/attach-plan.ts';
import type { Surroundings } from '../../attach/attach.ts';
import type { IssuerBody, ManagedClusterBody } from '../../http/management/contract.ts';
import { command, type OptionSpec, type Outcome } from '../command.ts';
import { confirm } from '../confirmation.ts';
import { isExistingKey } from '../errors.ts';
import { parseLength } from '../lengths-of-time.ts';
import { printableLines } from '../output/printable.ts';
import { paths } from '../paths.ts';
import type { Session } from '../session.ts';
import { KEY_FOLDER, MANIFEST, minorOf, WAY_FLAGS, type WayFlags, wayOf } from './attach-flags.ts';
import { CLUSTER_FLAGS, type ClusterFlags, YES, type YesFlag } from './flags.ts';
import { READINESS_FLAGS, type ReadinessFlags, readinessOf } from './readiness-flags.ts';

const BACKUP_FOLDER: OptionSpec = { flags: '--backup-folder <dir>', summary: 'Where the former manifest is kept; a folder below the key folder when left out' };
const DRY_RUN: OptionSpec = { flags: '--dry-run', summary: 'Show what would change, and change nothing' };

interface AttachFlags extends ClusterFlags, WayFlags, ReadinessFlags, YesFlag {
  readonly manifest: string;
  readonly patches?: string;
  readonly backupFolder?: string;
  readonly imported?: true;
  readonly verifyFor?: number | 'forever';
  readonly dryRun?: true;
}

export const attached = command<AttachFlags>({
  examples: [
    'mintmark signer attach -g myResourceGroup -n myAKSCluster --manifest /etc/kubernetes/manifests/kube-apiserver.yaml --patches /etc/kubernetes/patches --dry-run',
    'mintmark signer attach -g myResourceGroup -n myAKSCluster --manifest /etc/kubernetes/manifests/kube-apiserver.yaml --patches /etc/kubernetes/patches --wait-ready https://10.0.0.4:6443/readyz',
  ],
  options: [
    ...CLUSTER_FLAGS,
    { ...MANIFEST, required: true },
    { flags: '--patches <dir>', summary: "Folder for kubeadm's --patches: what is done here is done again at each kubeadm upgrade that names it" },
    ...WAY_FLAGS,
    { flags: '--imported', summary: 'The keys of former tokens are imported already; a Reader is then enough' },
    { flags: '--verify-for <length>', summary: "For how long the keys of former tokens verify, or forever; the server's 366d when left out", parse: (text) => (text === 'forever' ? text : parseLength(text)) },
    ...READINESS_FLAGS, BACKUP_FOLDER, DRY_RUN, YES,
  ],
  run: async (session, flags) => attach(session, flags),
});

async function attach(session: Session, flags: AttachFlags): Promise<Outcome> {
  const api = await session.api();
  const cluster = await session.cluster(flags);
  const issuer = await api.get<IssuerBody>(paths.issuer(cluster));
  const { properties: { kubernetesVersion } } = await api.get<ManagedClusterBody>(paths.cluster(cluster));
  const request = requestOf(flags, issuer, minorOf(kubernetesVersion));
  const { lockToAttach } = await import('../../attach/attachment-lock.ts');
  return alone(flags, () => lockToAttach(request, session.io.commands.lockFile), () => attachBy(request, session, flags, issuer));
}

/** A dry run changes nothing, so it needs no lock, and makes none. */
async function alone<T>({ dryRun }: AttachFlags | DetachFlags, lock: () => Promise<AttachmentLock | null>, work: () => Promise<T>): Promise<T> {
  const held = dryRun === true ? null : await lock();
  try {
    return await work();
  } finally {
    held?.release();
  }
}

async function attachBy(request: AttachRequest, session: Session, flags: AttachFlags, issuer: IssuerBody): Promise<Outcome> {
  const { planAttach } = await import('../../attach/attach-plan.ts');
  const plan = await planAttach(request);
  for (const note of await notesOf(plan)) session.report.warn(note);
  const { way, stage } = plan.attachment;
  const shown = { mode: way, stage, formerKeys: plan.formerKeys.map(({ kid }) => kid), diff: plan.diff };
  const { carryOut, signerFault } = await import('../../attach/attach.ts');
  const around = await surroundingsOf(session, flags, plan, issuer);
  if (flags.dryRun === true) {
    const fault = await signerFault(plan, around);
    if (fault !== null) session.report.warn(`As it is now this would be refused: ${fault}`);
    return { result: { outcome: 'dry run', ...shown }, text: diffText(plan.diff) };
  }
  if (plan.diff.length > 0) {
    session.io.stderr.write(printableLines(diffText(plan.diff)));
    await confirm(session, `Change ${flags.manifest}, which restarts the API server?`, flags.yes === true);
  }
  const outcome = await carryOut(plan, around);
  return { result: { outcome, ...shown }, text: outcomeText(plan, outcome, flags) };
}

function requestOf(flags: AttachFlags, { properties: { issuerURL, jwksURI } }: IssuerBody, minor: number): AttachRequest {
  const way = wayOf(flags);
  return {
    ...way, manifest: flags.manifest, patchesFolder: flags.patches ?? null, backupFolder: flags.backupFolder ?? `${way.keyFolder}/backups`,
    distribution: 'kubeadm', way: flags.mode ?? null, imported: flags.imported === true, issuerUrl: issuerURL, jwksUri: jwksURI, minor,
  };
}

async function surroundingsOf(session: Session, flags: AttachFlags, plan: AttachPlan, { properties: { keys } }: IssuerBody): Promise<Surroundings> {
  const [{ ringKeysPem }, { setTimeout: wait }] = await Promise.all([import('../../attach/ring-keys.ts'), import('node:timers/promises')]);
  const [api, cluster] = [await session.api(), await session.cluster(flags)];
  const { verifyFor } = flags;
  const validity = verifyFor === undefined ? {} : verifyFor === 'forever' ? { forever: true } : { verifyForSeconds: verifyFor };
  return {
    importKey: flags.imported === true ? null : async ({ pem }) => {
      await api.send('POST', paths.issuerPart(cluster, 'importKey'), { publicKey: pem, ...validity }).catch((error: unknown) => { if (!isExistingKey(error)) throw error; });
    },
    ourKeys: async () => ringKeysPem(keys),
    signerKids: async (socket) => (await import('../../attach/signer-probe.ts')).signerKids(socket),
    readiness: await readinessOf(flags, plan.pod),
    now: () => new Date(),
    async patience(check) {
      for (let looks = 0; looks < LOOKS; looks += 1) {
        if (await check()) return true;
        await wait(LOOK_EVERY_MS);
      }
      return check();
    },
  };
}

/** Half a minute, in which a signer hears of an import. */
const LOOKS = 60;
const LOOK_EVERY_MS = 500;

async function notesOf({ attachment, request: { manifest, patchesFolder }, diff, held, record }: AttachPlan): Promise<readonly string[]> {
  if (diff.length === 0) return [];
  const [{ controllerManagerNotes }, { issuerChanges, newerNote }] = await Promise.all([import('../../attach/controller-manager.ts'), import('../../attach/notes.ts')]);
  return [
    ...newerNote(attachment.minor),
    ...(attachment.stage === 'sign' ? issuerChanges(attachment.issuerUrl) : []),
    ...(held !== null && record !== null && record.issuerUrl !== attachment.issuerUrl ? [`This API server is attached to another issuer of Mintmark's, ${record.issuerUrl}: its tokens are refused from the restart on, and pods that hold one fail until they are restarted.`] : []),
    ...await controllerManagerNotes(manifest),
    ...(patchesFolder === null ? ["Without --patches, the next 'kubeadm upgrade' writes the manifest without Mintmark: tokens would be refused."] : []),
  ];
}

const diffText = (diff: readonly string[]): string => (diff.length === 0 ? 'Nothing would change.\n' : `${diff.join('\n')}\n`);

function outcomeText({ attachment: { stage, way, issuerUrl }, request: { patchesFolder }, record }: AttachPlan, outcome: string, { waitReady, manifest }: AttachFlags): string {
  if (outcome === 'unchanged') return `${manifest} is attached already; nothing was changed.\n`;
  // Only what was seen is said to be so.
  const first = waitReady === undefined ? `${manifest} is changed, and the kubelet restarts the API server. Nobody has looked whether it came up: kubectl get --raw /readyz\nOnce it has, it` : 'The API server';
  const next = stage === 'accept' ? [`${first} accepts tokens of ${issuerUrl} and signs as before. ${record?.stage === 'sign' ? "That is the way back: run 'mintmark signer detach' in 24 hours, when the last of them has ended." : 'When every API server of the cluster does, run this again on each with --stage sign.'}`] : [`${first} signs as ${issuerUrl}.`];
  const proof = stage === 'sign' && way === 'key-files' ? ["A signer without --kubeconfig can not see that restart: its log names the version for 'mintmark signer confirm-restart --version VERSION'."] : [];
  const upgrade = patchesFolder === null ? [] : [`At each upgrade name the patches: kubeadm upgrade apply VERSION --patches ${patchesFolder}`];
  return `${[...next, ...proof, ...upgrade].join('\n')}\n`;
}

interface DetachFlags extends ReadinessFlags, YesFlag {
  readonly manifest: string;
  readonly keyFolder?: string;
  readonly backupFolder?: string;
  readonly dryRun?: true;
}

export const detached = command<DetachFlags>({
  examples: ['mintmark signer detach --manifest /etc/kubernetes/manifests/kube-apiserver.yaml --wait-ready https://10.0.0.4:6443/readyz'],
  options: [{ ...MANIFEST, required: true }, KEY_FOLDER, ...READINESS_FLAGS, BACKUP_FOLDER, DRY_RUN, YES],
  async run(session, flags) {
    const { lockToDetach } = await import('../../attach/attachment-lock.ts');
    return alone(flags, () => lockToDetach({ manifest: flags.manifest, keyFolder: wayOf(flags).keyFolder }, session.io.commands.lockFile), () => detach(session, flags));
  },
});

async function detach(session: Session, flags: DetachFlags): Promise<Outcome> {
  const [{ planDetach, carryOutDetach }, { parseManifest, podOf }] = await Promise.all([import('../../attach/detach.ts'), import('../../attach/manifest.ts')]);
  const { keyFolder } = wayOf(flags);
  const plan = await planDetach({ manifest: flags.manifest, keyFolder, backupFolder: flags.backupFolder ?? `${keyFolder}/backups` });
  if (plan === null) return { result: { outcome: 'unchanged' }, text: `Nothing is attached here by ${keyFolder}; nothing was changed.\n` };
  const { record: { issuerUrl, stage }, diff, after } = plan;
  if (stage === 'sign') session.report.warn(`Tokens of ${issuerUrl} are refused from the restart on, and pods that hold one fail until they are restarted. To avoid that, run 'mintmark signer attach --stage accept' on every API server first, and detach 24 hours later.`);
  if (flags.dryRun === true) return { result: { outcome: 'dry run', diff }, text: diffText(diff) };
  session.io.stderr.write(printableLines(diffText(diff)));
  await confirm(session, `Change ${flags.manifest}, which restarts the API server?`, flags.yes === true);
  await carryOutDetach(plan, await readinessOf(flags, podOf(parseManifest(after, flags.manifest))), new Date());
  return { result: { outcome: 'detached' }, text: `${flags.manifest} is as it was without Mintmark. The signer still has the key that signs: 'mintmark signer delete' ends that.\n` };
}
