/** One request to a kube-apiserver over https: for its readiness, its documents, and a token of its own. */
import { request } from 'node:https';

/** Whom to ask, as whom. PEM texts; null where there is none. */
export interface ApiServer {
  /** `https://10.0.0.4:6443`, without a trailing slash. */
  readonly url: string;
  readonly ca: string | null;
  /** Where the certificate names another host than the URL. */
  readonly serverName: string | null;
  readonly client: { readonly certificate: string; readonly key: string } | null;
  readonly token: string | null;
}

export interface ApiServerReply {
  readonly status: number;
  readonly body: string;
}

/** An API server gives its keys (RFC 7517, section 8.5) to those only that take them by their own type, and answers 406 to others. */
const ACCEPTED = 'application/json, application/jwk-set+json';
const TIMEOUT_MS = 5000;
const LARGEST_REPLY = 4 * 1024 * 1024;

/** Each request on a connection of its own, so that it meets the API server of this moment. Rejects where there is none. */
export function ask({ url, ca, serverName, client, token }: ApiServer, path: string, body?: object): Promise<ApiServerReply> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = { accept: ACCEPTED, ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) };
  const tls = { ...(ca === null ? {} : { ca }), ...(serverName === null ? {} : { servername: serverName }), ...(client === null ? {} : { cert: client.certificate, key: client.key }) };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method: text === undefined ? 'GET' : 'POST', agent: false, headers, timeout: TIMEOUT_MS, ...tls }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST_REPLY) response.destroy(new Error('the reply is too large'));
        chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    sent.on('timeout', () => sent.destroy(new Error(`no reply within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end(text);
  });
}
