/** A client certificate of any life, as a kubeconfig has it. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The user of a kubeconfig with a certificate from one moment to another. It is signed by its own key: nobody here looks at that. */
export async function certificateUser(notBefore: Date, notAfter: Date): Promise<object> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({ serialNumber: '01', name: 'CN=mintmark-proof', notBefore, notAfter, signingAlgorithm: ALGORITHM, keys });
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { 'client-certificate-data': base64(certificate.toString('pem')), 'client-key-data': base64(key) };
}
