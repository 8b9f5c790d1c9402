/** What an operator has to know of an attachment, beside its flags: said by `show-api-server-flags`, `attach` and `aks update`. */
import { NEWEST_MINOR } from '../domain/kubernetes-version.ts';
import { type Attachment, DEFAULT_KEY_FOLDER, KEY_FILES } from './api-server-flags.ts';
import { factsOf } from './distributions.ts';

/** Lists the pods that asked for a token with an audience of their own: someone outside of the cluster may verify it by its issuer. */
export const PODS_WITH_AUDIENCES = "kubectl get pods --all-namespaces -o custom-columns='NAMESPACE:.metadata.namespace,POD:.metadata.name,AUDIENCES:.spec.volumes[*].projected.sources[*].serviceAccountToken.audience' | grep -v '<none>$'";
/** Tokens without an end, which nobody renews. */
export const TOKEN_SECRETS = 'kubectl get secrets --all-namespaces --field-selector type=kubernetes.io/service-account-token';

/** R9, for a cluster whose issuer changes. */
export const issuerChanges = (issuerUrl: string): readonly string[] => [
  `New tokens of the cluster will name the issuer ${issuerUrl} once its API server is attached, which restarts the API server once; nothing else restarts. The former issuer stays accepted, so running pods go on.`,
  `Look at the pods whose tokens someone outside of the cluster verifies, and let that someone trust the new issuer first: ${PODS_WITH_AUDIENCES}`,
];

/** For a Kubernetes that came out after this Mintmark: nothing is known against its being as the newest known one. */
export const newerNote = (minor: number): readonly string[] => (minor <= NEWEST_MINOR ? [] : [
  `Kubernetes 1.${minor} is newer than 1.${NEWEST_MINOR}, the newest that this Mintmark knows: the flags are those of 1.${NEWEST_MINOR}. Try them on one API server first, and look whether there is a newer Mintmark.`,
]);

/** For flags that a person puts in place. */
export function notesFor(attachment: Attachment): readonly string[] {
  const { distribution, way, stage, minor, keepAutoExtension, keyFolder, socket } = attachment;
  const { restart } = factsOf(distribution);
  return [
    ...newerNote(minor),
    ...(stage === 'accept' ? [`The API server goes on signing as before. ${acceptedKeysNote(distribution, keyFolder)} Do this on every API server, then use --stage sign.`] : []),
    ...(stage === 'sign' && way === 'external' ? [`The signer must serve ${socket} before the API server starts: without it the API server ends after 60 s. Import the keys of the former tokens first ('mintmark issuer import-key'), or running pods are refused.`] : []),
    ...(stage === 'sign' && way === 'key-files' ? [`The signer must have written ${keyFolder}/${KEY_FILES.privateKey} and ${KEY_FILES.publicKeys} before ('mintmark signer run --mode key-files'). The API server reads them at its start only: each rotation needs one restart.`] : []),
    ...(way === 'external' && minor < 34 ? ['External signing is alpha in this version, and the API server serves no discovery documents of its own; those of the issuer URL are not touched by that.'] : []),
    ...extensionNote(keepAutoExtension, way, keyFolder),
    restart,
  ];
}

/** Where the file comes from that the flags name. */
function acceptedKeysNote(distribution: Attachment['distribution'], keyFolder: string): string {
  const file = `${keyFolder}/${KEY_FILES.acceptedKeys}`;
  return distribution === 'cluster-api'
    ? `The public keys of the issuer are in 'files' as ${file}; make this again after a rotation.`
    : `First bring the public keys of the issuer to ${file}: 'mintmark issuer show-public-keys --file ${file}' writes them; look at that file before the restart.${distribution === 'kubeadm' ? ` ('mintmark signer attach --stage accept', for a static pod manifest, writes them by itself.)` : ''}`;
}

function extensionNote(keep: boolean, way: Attachment['way'], keyFolder: string): readonly string[] {
  if (!keep) return [];
  if (way === 'external') return ["Tokens for the API server itself are extended from an hour to 24 hours, which is the signer's bound."];
  const folder = keyFolder === DEFAULT_KEY_FOLDER ? '' : ` --key-folder ${keyFolder}`;
  return [`Tokens for the API server itself are extended to a year. Start the signer with --keep-auto-extension${folder} too: it keeps each retired key in ${KEY_FILES.publicKeys} for 366 days. The JWKS of the issuer drops it after a day all the same, because extended tokens are for the API server alone. A signer that enrols later has not seen the earlier keys, and a key can not be revoked there once it has left the ring.`];
}
