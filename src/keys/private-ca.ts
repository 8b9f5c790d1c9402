/**
 * A private certificate authority for a developer's machine, and the server certificate that it signs. Both keys are
 * EC P-256 and leave this file as PEM texts, which only their owner's files may hold.
 */
import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { after, DAY } from '../domain/durations.ts';

/** PEM texts. */
export interface CertificateWithKey {
  readonly certificate: string;
  readonly privateKey: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const AUTHORITY_DAYS = 3650;
/** The longest that every client accepts for a private authority. */
const SERVER_DAYS = 820;

/** A new authority, valid for ten years. */
export async function createAuthority(name: string, now: Date): Promise<CertificateWithKey> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(), name: `CN=${name}`, notBefore: after(now, -DAY), notAfter: after(now, AUTHORITY_DAYS * DAY), signingAlgorithm: ALGORITHM, keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), privateKey: await privateKeyPem(keys.privateKey) };
}

/** A certificate for the names and addresses, valid for 820 days. */
export async function createServerCertificate(authority: CertificateWithKey, hosts: readonly string[], now: Date): Promise<CertificateWithKey> {
  const keys = await makeKeys();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.privateKey), ALGORITHM, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(), subject: `CN=${hosts[0] ?? 'localhost'}`, issuer: issuer.subject, notBefore: after(now, -DAY), notAfter: after(now, SERVER_DAYS * DAY),
    signingAlgorithm: ALGORITHM, publicKey: keys.publicKey, signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(hosts.map((host) => ({ type: isAddress(host) ? 'ip' : 'dns', value: host }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n${authority.certificate}`, privateKey: await privateKeyPem(keys.privateKey) };
}

/** Whether a PEM private key belongs to the (first) PEM certificate; false for what can not be read. */
export function isPair({ certificate, privateKey }: CertificateWithKey): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

async function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** Positive and 16 bytes long (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
