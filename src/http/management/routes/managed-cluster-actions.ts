/** The POSTs on a managed cluster that Azure has: rotation is done, what would act on nodes is refused with the reason. */
import { MintmarkError } from '../../../domain/errors.ts';
import type { Clusters } from '../../../service/clusters.ts';
import type { KeyRings, RotationResult } from '../../../service/key-rings.ts';
import { rotateReply, type RotateReply } from '../contract.ts';
import { waitingBody } from '../issuer-body.ts';
import { pollingHeaders } from '../operation-body.ts';
import { MANAGED_CLUSTER } from '../paths.ts';
import { type Answer, type Route, route } from '../route.ts';
import { addressOf } from './managed-clusters.ts';

/** Action → why Mintmark does not do it. */
const NOT_DONE = {
  stop: 'Mintmark registers a cluster that runs elsewhere and can not stop it. Stop it where it runs.',
  start: 'Mintmark registers a cluster that runs elsewhere and can not start it. Start it where it runs.',
  rotateClusterCertificates: "Mintmark holds the keys of the cluster's OIDC issuer, not its certificates. Rotate those where the cluster runs, for example with kubeadm certs renew.",
} as const;

export const managedClusterActionRoutes = (clusters: Clusters, keyRings: KeyRings, managementUrl: string): readonly Route[] => [
  route({
    method: 'POST', url: `${MANAGED_CLUSTER}/rotateServiceAccountSigningKeys`, access: { action: 'issuer/rotate', on: 'managed cluster' },
    summary: "Rotates the keys of a cluster's issuer. A key that an earlier rotation retired is revoked, or the rotation refused where the server does not do that unasked.", replies: { 202: rotateReply },
    async handle(asked) {
      const { cluster } = await clusters.get(addressOf(asked));
      return rotationAnswer(managementUrl, cluster.location, await keyRings.rotate(asked.caller, cluster, { force: false, emergency: false }));
    },
  }),
  ...Object.entries(NOT_DONE).map(([action, why]) => route({
    method: 'POST', url: `${MANAGED_CLUSTER}/${action}` as typeof MANAGED_CLUSTER, access: { action: 'resource/write', on: 'managed cluster' }, summary: `Refused: ${why}`, replies: {},
    async handle(asked) {
      await clusters.get(addressOf(asked));
      throw new MintmarkError('OperationNotAllowed', why);
    },
  })),
];

/** 202 and never 200, which Azure's clients refuse for these actions. */
export function rotationAnswer(managementUrl: string, location: string, { operation, outcome, revoked, waiting }: RotationResult): Answer {
  const body: RotateReply = { operationId: operation.id, outcome, revoked: [...revoked], waiting: waitingBody(waiting) };
  return { status: 202, headers: pollingHeaders(managementUrl, location, operation), body };
}
