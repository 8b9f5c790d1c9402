/** Takes over a key that a cluster has already. The body may hold a private key: it is in no log, and in no reply. */
import { MintmarkError } from '../../../domain/errors.ts';
import type { Clusters } from '../../../service/clusters.ts';
import { type ImportedKey, type KeyImports, VERIFY_FOR } from '../../../service/key-imports.ts';
import { ISSUER } from '../paths.ts';
import { type Route, route } from '../route.ts';
import { importKeyReply, type ImportKeyReply, importKeyRequest } from '../signer-contract.ts';
import { addressOf } from './managed-clusters.ts';

export const keyImportRoutes = ({ clusters, keyImports }: { readonly clusters: Clusters; readonly keyImports: KeyImports }): readonly Route[] => [
  route({
    method: 'POST', url: `${ISSUER}/importKey`, access: { action: 'issuer/importKey', on: 'managed cluster' }, summary: "Imports a public key, with which the cluster's API servers go on verifying; or a private key, to sign next.",
    body: importKeyRequest, replies: { 200: importKeyReply },
    async handle(asked) {
      const { publicKey, privateKey, sign = false, verifyForSeconds, forever = false } = asked.body;
      assertOneWay(asked.body);
      const { cluster } = await clusters.get(addressOf(asked));
      if (privateKey !== undefined && sign) return { status: 200, body: replyOf('prepared', await keyImports.toSign(asked.caller, cluster, privateKey)) };
      return { status: 200, body: replyOf('verifyOnly', await keyImports.verifyOnly(asked.caller, cluster, publicKey!, forever ? null : (verifyForSeconds ?? VERIFY_FOR))) };
    },
  }),
];

/** @throws MintmarkError `InvalidRequestContent` for anything but the one or the other. */
function assertOneWay({ publicKey, privateKey, sign = false, verifyForSeconds, forever = false }: { readonly publicKey?: string | undefined; readonly privateKey?: string | undefined; readonly sign?: boolean | undefined; readonly verifyForSeconds?: number | undefined; readonly forever?: boolean | undefined }): void {
  const isToVerify = publicKey !== undefined && privateKey === undefined && !sign && !(forever && verifyForSeconds !== undefined);
  const isToSign = privateKey !== undefined && publicKey === undefined && sign && !forever && verifyForSeconds === undefined;
  if (!isToVerify && !isToSign) throw new MintmarkError('InvalidRequestContent', "Send 'publicKey', to verify only, for 'verifyForSeconds' or 'forever'; or 'privateKey' with 'sign', to sign next. A private key that is not to sign stays where it is.");
}

const replyOf = (as: ImportKeyReply['as'], { kid, algorithm, expiresAt, revoked }: ImportedKey): ImportKeyReply =>
  ({ kid, algorithm, as, expiresAt: expiresAt?.toISOString() ?? null, revoked: [...revoked] });
