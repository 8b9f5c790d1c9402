/** The certificate authority and the server certificate of a home: made at first start, kept, renewed in time. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { after, DAY } from '../domain/durations.ts';
import { MintmarkError } from '../domain/errors.ts';
import { type CertificateWithKey, createAuthority, createServerCertificate, isPair } from '../keys/private-ca.ts';
import { type Home, readIfThere, writeWhole } from './home.ts';

/** How long before its end a server certificate is replaced at a start, in days. */
const RENEW_DAYS = 60;

/** Reads both, making what is missing, ends soon, or does not name one of the hosts. */
export async function tlsFiles(home: Home, hosts: readonly string[], now: Date): Promise<CertificateWithKey> {
  const [certificate, privateKey] = [await readIfThere(home.serverCertificate), await readIfThere(home.serverKey)];
  if (certificate !== null && privateKey !== null && isPair({ certificate, privateKey }) && serves(certificate, hosts, now)) return { certificate, privateKey };
  const made = await createServerCertificate(await authority(home, now), hosts, now);
  await writeWhole(home.serverKey, made.privateKey);
  await writeWhole(home.serverCertificate, made.certificate, 0o644);
  return made;
}

async function authority(home: Home, now: Date): Promise<CertificateWithKey> {
  const [certificate, privateKey] = [await readIfThere(home.caCertificate), await readIfThere(home.caKey)];
  if (certificate !== null && privateKey !== null && isPair({ certificate, privateKey })) return { certificate, privateKey };
  if (certificate !== null) throw new MintmarkError('InvalidConfiguration', `A new server certificate is needed, and ${home.caKey} is missing or is not the key of ${home.caCertificate}. Put it back; or delete ${home.caCertificate} and start again: a new authority is made, which its clients have to be given.`);
  const made = await createAuthority('Mintmark development authority', now);
  await writeWhole(home.caKey, made.privateKey);
  await writeWhole(home.caCertificate, made.certificate, 0o644);
  return made;
}

function serves(certificate: string, hosts: readonly string[], now: Date): boolean {
  const parsed = new X509Certificate(certificate);
  const inTime = after(now, RENEW_DAYS * DAY) < new Date(parsed.validTo);
  return inTime && hosts.every((host) => (isIP(host) === 0 ? parsed.checkHost(host) : parsed.checkIP(host)) !== undefined);
}
