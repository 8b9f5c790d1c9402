/** What is done to an issuer's keys beyond Azure's one POST: rotate with force or in an emergency, revoke, issue a token. */
import { MintmarkError } from '../../../domain/errors.ts';
import { managedClusterId } from '../../../domain/resource-id.ts';
import type { TokenRequest } from '../../../domain/service-account-token.ts';
import type { Access } from '../../../service/access.ts';
import type { Clusters } from '../../../service/clusters.ts';
import type { KeyRings } from '../../../service/key-rings.ts';
import type { IssuedResult, Tokens } from '../../../service/tokens.ts';
import { revokeKeyRequest, rotateReply, rotateRequest, tokenReply, type TokenReply, tokenRequest } from '../contract.ts';
import { ISSUER } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { rotationAnswer } from './managed-cluster-actions.ts';
import { addressOf } from './managed-clusters.ts';

interface IssuerActionDeps {
  readonly access: Access;
  readonly clusters: Clusters;
  readonly keyRings: KeyRings;
  readonly tokens: Tokens;
}

export const issuerActionRoutes = ({ access, clusters, keyRings, tokens }: IssuerActionDeps, config: { readonly managementUrl: string; readonly tokenIssue: boolean }): readonly Route[] => [
  route({
    method: 'POST', url: `${ISSUER}/rotate`, access: { action: 'issuer/rotate', on: 'managed cluster' }, summary: 'Rotates the keys. force and emergency break tokens in use and need the role Owner. revokePrevious asks for the revocation of keys that are retired, where the server does not do that unasked.',
    body: rotateRequest.nullish(), replies: { 202: rotateReply },
    async handle(asked) {
      const { force = false, emergency = false, revokePrevious = false } = asked.body ?? {};
      const { subscription, params } = asked;
      if (force || emergency) await access.authorize(asked.caller, 'issuer/forceRotate', managedClusterId(subscription.id, params.resourceGroup, params.cluster));
      const { cluster } = await clusters.get(addressOf(asked));
      return rotationAnswer(config.managementUrl, cluster.location, await keyRings.rotate(asked.caller, cluster, { force, emergency, revokePrevious }));
    },
  }),
  route({
    method: 'POST', url: `${ISSUER}/revokeKey`, access: { action: 'issuer/revokeKey', on: 'managed cluster' }, summary: 'Takes a key out of the JWKS at once; its tokens fail from then on.',
    body: revokeKeyRequest, replies: { 202: rotateReply },
    async handle(asked) {
      const { cluster } = await clusters.get(addressOf(asked));
      return rotationAnswer(config.managementUrl, cluster.location, await keyRings.revokeKey(asked.caller, cluster, asked.body.kid, asked.body.force ?? false));
    },
  }),
  route({
    method: 'POST', url: `${ISSUER}/issueToken`, access: { action: 'issuer/issueToken', on: 'managed cluster' }, summary: 'Issues a service-account token, as the TokenRequest API of Kubernetes does.',
    body: tokenRequest, replies: { 200: tokenReply },
    async handle(asked) {
      if (!config.tokenIssue) throw new MintmarkError('TokenIssueDisabled', 'This server does not issue service-account tokens itself; the API servers of its clusters do. An operator can set tokenIssue in its configuration.');
      const { cluster } = await clusters.get(addressOf(asked));
      const { metadata, spec } = asked.body;
      const request: TokenRequest = { serviceAccount: metadata, audiences: spec?.audiences ?? [], expirationSeconds: spec?.expirationSeconds ?? null };
      const issued = await tokens.issue(cluster, request);
      return { status: 200, headers: { 'cache-control': 'no-store' }, body: tokenBody(request, issued), warnings: issued.warning === null ? [] : [issued.warning] };
    },
  }),
];

function tokenBody({ serviceAccount }: TokenRequest, { token, claims }: IssuedResult): TokenReply {
  return {
    apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: { ...serviceAccount },
    spec: { audiences: [...claims.aud], expirationSeconds: claims.exp - claims.iat },
    status: { token, expirationTimestamp: new Date(claims.exp * 1000).toISOString() },
  };
}
