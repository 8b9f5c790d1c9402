/** `issuer import-key`: takes over a key that the cluster has already, to verify with it or to sign with it. */
import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ImportKeyReply } from '../../http/management/signer-contract.ts';
import { command } from '../command.ts';
import { assertCanAsk, confirm } from '../confirmation.ts';
import { failure, usageError } from '../errors.ts';
import { TEN_YEARS } from '../../domain/lengths-of-time.ts';
import { lengthWithin } from '../lengths-of-time.ts';
import { timeInWords } from '../output/resources.ts';
import { paths } from '../paths.ts';
import { bodyOf } from '../reply-body.ts';
import { CLUSTER_FLAGS, type ClusterFlags, YES, type YesFlag } from './flags.ts';

interface ImportFlags extends ClusterFlags, YesFlag {
  readonly publicKeyFile?: string;
  readonly privateKeyFile?: string;
  readonly sign?: true;
  readonly verifyFor?: number | 'forever';
}

const parseVerifyFor = (text: string): number | 'forever' => (text.toLowerCase() === 'forever' ? 'forever' : lengthWithin('--verify-for', 60, TEN_YEARS)(text));

export const issuerImportKey = command<ImportFlags>({
  examples: ['mintmark issuer import-key -g myResourceGroup -n myAKSCluster --public-key-file /etc/kubernetes/pki/sa.pub', 'mintmark issuer import-key -g myResourceGroup -n myAKSCluster --private-key-file /etc/kubernetes/pki/sa.key --sign'],
  options: [
    ...CLUSTER_FLAGS,
    { flags: '--public-key-file <file>', summary: 'Public key in PEM, with which the API servers go on verifying; nobody else learns of it' },
    { flags: '--verify-for <length>', summary: 'For how long, such as 366d; forever for tokens in Secrets (366d)', parse: parseVerifyFor },
    { flags: '--private-key-file <file>', summary: 'Private key in PEM, which signs next' },
    { flags: '--sign', summary: 'The private key takes the place of the prepared key' },
    YES,
  ],
  async run(session, flags) {
    const { publicKeyFile, privateKeyFile, sign, verifyFor, yes = false } = flags;
    if ((publicKeyFile === undefined) === (privateKeyFile === undefined)) throw usageError('Give --public-key-file or --private-key-file, one of the two.');
    if (privateKeyFile !== undefined && (sign !== true || verifyFor !== undefined)) throw usageError('A private key is imported to sign: give --sign, and no --verify-for. To verify only, the public key is enough.');
    if (publicKeyFile !== undefined && sign === true) throw usageError('To sign, Mintmark needs the private key: give --private-key-file.');
    if (privateKeyFile !== undefined) assertCanAsk(session, yes);
    const body = privateKeyFile === undefined ? { publicKey: await read(publicKeyFile!), ...(verifyFor === 'forever' ? { forever: true } : { verifyForSeconds: verifyFor }) } : { privateKey: await read(privateKeyFile), sign: true };
    if (privateKeyFile !== undefined) {
      session.report.warn('Whoever else has this private key can sign tokens of this issuer, for all its relying parties, for as long as the key is in the JWKS. Import it only if nobody else has it.');
      session.report.warn('The key that is prepared now is revoked for good, also one that was imported. A key that verifies only becomes an ordinary key of the ring: it leaves a day after it has retired, and with it all tokens of before that it signed. To go on verifying those for longer, import another key to sign.');
      for (const text of kindWarnings(body.privateKey!)) session.report.warn(text);
      await confirm(session, 'Import the private key, in place of the prepared key?', yes);
    }
    const reply = bodyOf<ImportKeyReply>(await (await session.api()).send('POST', paths.issuerPart(await session.cluster(flags), 'importKey'), body));
    session.report.warn(consequence(reply));
    return { result: { ...reply } };
  },
});

/** By the public half alone. What can not be read is the server's to refuse. */
function kindWarnings(pem: string): readonly string[] {
  try {
    return createPublicKey(pem).asymmetricKeyType === 'rsa' ? [] : ['This is no RSA key. Microsoft Entra ID takes RS256 only, and refuses the tokens of this issuer from when this key signs.'];
  } catch {
    return [];
  }
}

function consequence({ as, kid, expiresAt }: ImportKeyReply): string {
  if (as === 'prepared') return `Key ${kid} is prepared: it is published now, and signs with the next rotation. Once its copies elsewhere are not needed, destroy them.`;
  return `The API servers of the cluster verify with key ${kid} ${expiresAt === null ? 'for ever' : `until ${timeInWords(expiresAt)}`}; it is not in the public list.`;
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => { throw failure(`The key file ${file} can not be read: ${error.message}.`); });
}
