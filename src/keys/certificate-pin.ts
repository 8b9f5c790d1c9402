/** By which certificate signers know the server: one that nobody vouches for but itself. */
import { createHash, X509Certificate } from 'node:crypto';

/**
 * SHA-256 (hex) of the last certificate (DER) of a chain in PEM, when that is self-signed. Null otherwise: the chain of a
 * public authority ends in a certificate that changes, and is trusted by the roots of a machine.
 */
export function pinOf(chain: string): string | null {
  const last = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1);
  if (last === undefined) return null;
  const certificate = new X509Certificate(last);
  const isSelfSigned = certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
  return isSelfSigned ? createHash('sha256').update(certificate.raw).digest('hex') : null;
}
