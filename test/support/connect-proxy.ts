/** A proxy that takes CONNECT alone, and leads every name to this machine, on the port that was asked for. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export class ConnectProxy {
  /** Each `host:port` that was asked for, and by which credentials. */
  readonly asked = new Set<string>();
  /** Whether it makes ways through; else it answers 403. */
  isOpen = true;
  readonly port: number;
  readonly #server: Server;
  readonly #ends = new Set<Socket>();

  private constructor(server: Server) {
    [this.#server, this.port] = [server, (server.address() as AddressInfo).port];
    server.on('connect', ({ url = '', headers }, client: Socket) => this.#lead(url, `${headers['proxy-authorization']}`, client));
  }

  static async open(): Promise<ConnectProxy> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new ConnectProxy(server);
  }

  /** Ends every way that there is. */
  cut(): void {
    for (const end of this.#ends) end.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #lead(target: string, credentials: string, client: Socket): void {
    this.asked.add(`${target} ${credentials}`);
    if (!this.isOpen) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const far = connect(Number(target.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      far.pipe(client).pipe(far);
    });
    for (const [end, other] of [[client, far], [far, client]] as const) {
      this.#ends.add(end.on('error', () => undefined));
      end.on('close', () => { this.#ends.delete(end); other.destroy(); });
    }
  }
}
