/**
 * An issuer that is not Mintmark: a real https server on loopback, with an authority and keys of its own. It signs
 * whatever a test wants, and a test can change what it answers.
 */
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign as signBytes } from 'node:crypto';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after } from 'node:test';
import { createAuthority, createServerCertificate } from '../../src/keys/private-ca.ts';

const authority = await createAuthority('tests of federation', new Date());
const { certificate, privateKey } = await createServerCertificate(authority, ['localhost', 'issuer.example', '127.0.0.1'], new Date());

/** PEM of the authority that all of them have their certificate from. */
export const FOREIGN_CA = authority.certificate;

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const rsaPair = (modulusLength = 2048): Pair => generateKeyPairSync('rsa', { modulusLength });
export const ecPair = (namedCurve = 'P-256'): Pair => generateKeyPairSync('ec', { namedCurve });

const KEYS = { rsa: rsaPair(), ec: ecPair(), ec384: ecPair('P-384') } as const;

const base64url = (text: string): string => Buffer.from(text).toString('base64url');
export const jwkOf = ({ publicKey }: Pair, more: object): object => ({ ...publicKey.export({ format: 'jwk' }), use: 'sig', ...more });

/** A compact JWS over these very texts. `key` null: no signature; text: the secret of HS256. */
export function jws(header: object | string, payload: object | string, key: Pair | string | null): string {
  const textOf = (part: object | string): string => (typeof part === 'string' ? part : JSON.stringify(part));
  const input = `${base64url(textOf(header))}.${base64url(textOf(payload))}`;
  return `${input}.${signature(input, key)}`;
}

function signature(input: string, key: Pair | string | null): string {
  if (key === null) return '';
  if (typeof key === 'string') return createHmac('sha256', key).update(input).digest('base64url');
  const digest = key.privateKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256';
  return signBytes(digest, Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363', padding: constants.RSA_PKCS1_PADDING }).toString('base64url');
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

export interface ForeignIssuer {
  /** Its URL, with the slash at its end. */
  readonly url: string;
  readonly keys: typeof KEYS;
  /** Paths that were asked for. */
  readonly asked: string[];
  /** The discovery document and the JWKS as it answers them; a test may change them. */
  discovery: object;
  jwks: object;
  /** Headers of both documents. */
  headers: Readonly<Record<string, string>>;
  /** What is done in place of the documents; null: the documents are sent. */
  instead: Answering | null;
}

const JSON_TYPE = { 'content-type': 'application/json' } as const;
const open: Server[] = [];
after(() => {
  for (const server of open) {
    server.closeAllConnections();
    server.close();
  }
});

/** Starts one, on a port of its own; it stops with the tests of the file. */
export async function startForeignIssuer(tls: ServerOptions = {}): Promise<ForeignIssuer> {
  const server = createServer({ cert: certificate, key: privateKey, ...tls });
  open.push(server);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  server.unref();
  const url = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const issuer: ForeignIssuer = {
    url, keys: KEYS, asked: [], headers: {}, instead: null,
    discovery: { issuer: url, jwks_uri: `${url}jwks` },
    jwks: { keys: [jwkOf(KEYS.rsa, { kid: 'rsa', alg: 'RS256' }), jwkOf(KEYS.ec, { kid: 'ec', alg: 'ES256' }), jwkOf(KEYS.ec384, { kid: 'ec384' })] },
  };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    issuer.asked.push(request.url ?? '');
    if (issuer.instead !== null) return issuer.instead(request, response);
    response.writeHead(200, { ...JSON_TYPE, ...issuer.headers }).end(JSON.stringify(request.url === '/jwks' ? issuer.jwks : issuer.discovery));
  });
  return issuer;
}
