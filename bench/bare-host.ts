/**
 * The least that node:http can do: one reply, prepared, to whatever is asked. Gets the reply as JSON in its one argument (flat
 * headers, body); prints its port as one line of JSON; ends on SIGTERM.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const { headers, body } = JSON.parse(process.argv[2] ?? '') as { readonly headers: string[]; readonly body: string };
const server = createServer((_request, response) => {
  response.writeHead(200, headers);
  response.end(body, 'latin1');
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`));
process.once('SIGTERM', () => process.exit(0));
