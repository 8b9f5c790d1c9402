/**
 * The signers of a cluster, and what lets machines become one. The answers of `createSigner` and `createJoinCredential`
 * are the only ones that tell a token.
 */
import type { Clusters } from '../../../service/clusters.ts';
import type { EnrolmentCredentials } from '../../../service/enrolment-credentials.ts';
import type { Signers } from '../../../service/signers.ts';
import { listOf } from '../contract.ts';
import { ISSUER } from '../paths.ts';
import { type Asked, type Route, route } from '../route.ts';
import { joinCredentialBody, signerBody } from '../signer-body.ts';
import { createJoinCredentialReply, createJoinCredentialRequest, createSignerReply, createSignerRequest, joinCredential, signer, writeOffSignerRequest } from '../signer-contract.ts';
import { addressOf } from './managed-clusters.ts';

interface SignerDeps {
  readonly clusters: Clusters;
  readonly signers: Signers;
  readonly enrolmentCredentials: EnrolmentCredentials;
}

const ON = 'managed cluster';
const READ = { action: 'issuer/read', on: ON } as const;
const CREATE = { action: 'issuer/createSigner', on: ON } as const;
const NO_STORE = { 'cache-control': 'no-store' } as const;
const SIGNER = `${ISSUER}/signers/:signer` as const;
const JOIN_CREDENTIAL = `${ISSUER}/joinCredentials/:credential` as const;

const clusterOf = async ({ clusters }: SignerDeps, asked: Pick<Asked<typeof ISSUER>, 'caller' | 'subscription' | 'params'>) => (await clusters.get(addressOf(asked))).cluster;

export const signerRoutes = (deps: SignerDeps): readonly Route[] => [
  route({
    method: 'GET', url: `${ISSUER}/signers`, access: READ, summary: 'Lists the signers of a cluster, those too that were written off or deleted and are not forgotten.', replies: { 200: listOf(signer) },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: { value: (await deps.signers.list(cluster)).map((view) => signerBody(cluster, view)) } };
    },
  }),
  route({
    method: 'GET', url: SIGNER, access: READ, summary: 'Shows one signer, by name or id.', replies: { 200: signer },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: signerBody(cluster, await deps.signers.get(cluster, asked.params.signer)) };
    },
  }),
  route({
    method: 'DELETE', url: SIGNER, access: { action: 'issuer/deleteSigner', on: ON }, summary: 'Deletes a signer for good: it is told to wipe its ring. The keys that it had are its debt until they are out of the JWKS.', replies: { 200: signer },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: signerBody(cluster, await deps.signers.remove(cluster, asked.params.signer)) };
    },
  }),
  route({
    method: 'POST', url: `${ISSUER}/writeOffSigner`, access: { action: 'issuer/writeOffSigner', on: ON }, summary: 'Stops waiting for a signer that is gone. If it comes back it is enrolled anew.', body: writeOffSignerRequest, replies: { 200: signer },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: signerBody(cluster, await deps.signers.writeOff(cluster, asked.body.name)) };
    },
  }),
  route({
    method: 'POST', url: `${ISSUER}/createSigner`, access: CREATE, summary: 'Makes a token with which one machine enrols as a signer, and tells it once.', body: createSignerRequest.nullish(), replies: { 200: createSignerReply },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      const { name = null, expiresInSeconds = null } = asked.body ?? {};
      const { token, credential, replaces } = await deps.enrolmentCredentials.createToken(asked.caller, cluster, { name, expiresIn: expiresInSeconds });
      const former = replaces === null ? null : { name: replaces.name, lastContactAt: replaces.lastContactAt.toISOString() };
      return { status: 200, headers: NO_STORE, body: { token, name, expiresAt: credential.expiresAt!.toISOString(), replaces: former } };
    },
  }),
  ...joinCredentialRoutes(deps),
];

const joinCredentialRoutes = (deps: SignerDeps): readonly Route[] => [
  route({
    method: 'POST', url: `${ISSUER}/createJoinCredential`, access: CREATE, summary: 'Makes a credential with which machines that come and go enrol as signers, and tells it once.', body: createJoinCredentialRequest.nullish(), replies: { 200: createJoinCredentialReply },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      const { expiresInSeconds, maxUses, cidrs, replaceByName } = asked.body ?? {};
      const { token, credential } = await deps.enrolmentCredentials.createJoinCredential(asked.caller, cluster, { expiresIn: expiresInSeconds ?? null, mostUses: maxUses ?? null, cidrs: cidrs ?? [], replacesByName: replaceByName ?? true });
      return { status: 200, headers: NO_STORE, body: { token, credential: joinCredentialBody(cluster, credential) } };
    },
  }),
  route({
    method: 'GET', url: `${ISSUER}/joinCredentials`, access: READ, summary: 'Lists the join credentials of a cluster, never the tokens themselves.', replies: { 200: listOf(joinCredential) },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: { value: (await deps.enrolmentCredentials.joinCredentials(cluster)).map((credential) => joinCredentialBody(cluster, credential)) } };
    },
  }),
  route({
    method: 'GET', url: JOIN_CREDENTIAL, access: READ, summary: 'Shows one join credential.', replies: { 200: joinCredential },
    async handle(asked) {
      const cluster = await clusterOf(deps, asked);
      return { status: 200, body: joinCredentialBody(cluster, await deps.enrolmentCredentials.joinCredential(cluster, asked.params.credential)) };
    },
  }),
  route({
    method: 'DELETE', url: JOIN_CREDENTIAL, access: { action: 'issuer/revokeJoinCredential', on: ON }, summary: 'Revokes a join credential: nobody enrols with it any more, who has done so stays.', replies: { 204: null },
    async handle(asked) {
      await deps.enrolmentCredentials.revokeJoinCredential(await clusterOf(deps, asked), asked.params.credential);
      return { status: 204 };
    },
  }),
];
