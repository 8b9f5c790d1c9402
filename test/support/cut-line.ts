/**
 * The network between a signer and its server, as a test needs it: TCP on a port of this machine that leads elsewhere, and
 * can be cut (connections end, new ones are refused), held (nothing moves, nothing ends) and healed at any moment.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls';
import { type CertificateWithKey, createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';

type How = 'open' | 'held' | 'cut';

export class CutLine {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #to: number;
  #how: How = 'open';

  private constructor(server: Server, to: number) {
    [this.#server, this.#to, this.port] = [server, to, (server.address() as AddressInfo).port];
    server.on(server.listenerCount('secureConnection') > 0 || 'setSecureContext' in server ? 'secureConnection' : 'connection', (inner: Socket) => this.#join(inner));
  }

  /** Connections that are on it now, held ones included. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** A line to a port of this machine; with `tls`, one that ends TLS at this end. */
  static async open(to: number, tls: CertificateWithKey | null = null): Promise<CutLine> {
    const server = tls === null ? createServer() : createTlsServer({ cert: tls.certificate, key: tls.privateKey });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new CutLine(server, to);
  }

  /** Where it leads from now on. */
  leadTo(port: number): void {
    this.#to = port;
  }

  /** With which certificate it ends TLS from now on. */
  present({ certificate, privateKey }: CertificateWithKey): void {
    if (!(this.#server instanceof TlsServer)) throw new Error('this line does not end TLS');
    this.#server.setSecureContext({ cert: certificate, key: privateKey });
  }

  heal(): void {
    this.#how = 'open';
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** As a cable that is pulled: whoever waits goes on waiting. */
  hold(): void {
    this.#how = 'held';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** As a host that went down and came back: everything ends, nothing is taken. */
  cut(): void {
    this.#how = 'cut';
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(near: Socket): void {
    near.on('error', () => undefined);
    if (this.#how === 'cut') return void near.destroy();
    const far = connect(this.#to, '127.0.0.1').on('error', () => undefined);
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    near.on('data', (data: Buffer) => far.write(data)).on('close', () => this.#end(pair));
    far.on('data', (data: Buffer) => near.write(data)).on('close', () => this.#end(pair));
    if (this.#how === 'held') for (const socket of pair) socket.pause();
  }

  #end(pair: readonly [Socket, Socket]): void {
    for (const socket of pair) socket.destroy();
    this.#pairs.delete(pair);
  }
}

/** A certificate for this machine, by an authority of its own; `certificate` ends with that authority's. */
export async function machineCertificate(): Promise<CertificateWithKey> {
  const authority = await createAuthority('signer test', new Date());
  const { certificate, privateKey } = await createServerCertificate(authority, ['localhost', '127.0.0.1', 'signers.test'], new Date());
  return { certificate: certificate.includes(authority.certificate.trim()) ? certificate : `${certificate.trimEnd()}\n${authority.certificate}`, privateKey };
}
