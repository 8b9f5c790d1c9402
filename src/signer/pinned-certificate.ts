/**
 * The certificate that an enrolment token names by its fingerprint, as the server presents it. Nothing is sent on this
 * connection: what is learnt from it counts only because the fingerprint is right.
 */
import { Agent } from 'node:https';
import { connect, type ConnectionOptions, type DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { MintmarkError } from '../domain/errors.ts';
import { proxied } from './server-proxy.ts';

/** Milliseconds. */
const WITHIN = 10_000;
const LONGEST_CHAIN = 10;

/** PEM. `fingerprint`: SHA-256 of its DER, hex; `proxy`: URL of the one by which it is reached. @throws MintmarkError `ServerUnreachable`. */
export async function pinnedCertificate(url: string, fingerprint: string, proxy: string | null): Promise<string> {
  const chain = await presentedChain(new URL(url), proxy);
  const found = chain.find(({ fingerprint256 }) => fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint);
  if (found === undefined) throw new MintmarkError('ServerUnreachable', `What answers at ${url} is not the server that made this token: its certificates are others than the one in the token. Nothing was sent to it. If the server's certificate has changed since, make another token.`);
  return `-----BEGIN CERTIFICATE-----\n${found.raw.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function presentedChain({ hostname, port }: URL, proxy: string | null): Promise<readonly DetailedPeerCertificate[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  // Not trusted: it is looked at only to find the certificate with the right fingerprint.
  const options = { host, port: Number(port || 443), ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }), rejectUnauthorized: false, timeout: WITHIN };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new MintmarkError('ServerUnreachable', `The server at ${host}, port ${port || 443}, can not be reached: ${error.message}.`, { cause: error }));
    const look = (socket: TLSSocket): void => {
      const chain = chainOf(socket.getPeerCertificate(true));
      socket.destroy();
      resolve(chain);
    };
    if (proxy !== null) return void throughProxy(options, proxy).then(look, fail);
    const socket = connect(options, () => look(socket));
    socket.once('error', fail).once('timeout', () => socket.destroy(new Error(`it does not answer within ${WITHIN / 1000} s`)));
  });
}

/** A connection that has shaken hands with the server behind the proxy. */
function throughProxy(options: ConnectionOptions, proxy: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    new Agent(proxied(proxy)).createConnection(options, (error, socket) => {
      if (error === null && socket instanceof TLSSocket) return resolve(socket);
      socket?.destroy();
      reject(error ?? new Error('the proxy gave no connection'));
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): readonly DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let next: DetailedPeerCertificate | undefined = leaf; next?.raw !== undefined && !chain.includes(next) && chain.length < LONGEST_CHAIN; next = next.issuerCertificate) chain.push(next);
  return chain;
}
