/** A kubeconfig, as far as it says where an API server is and who may ask it: certificates and tokens, in it or in files. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { MintmarkError } from '../domain/errors.ts';
import type { ApiServer } from './api-server-client.ts';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The current context's API server.
 * @throws MintmarkError `InvalidConfiguration` when the file can not be read, lacks a part, or logs in by a program.
 */
export async function readKubeconfig(file: string): Promise<ApiServer> {
  const config = fieldsOf(parsed(await textOf(file, file), file));
  const context = named(config, 'contexts', String(config['current-context'] ?? ''), 'context', file);
  const cluster = named(config, 'clusters', String(context['cluster'] ?? ''), 'cluster', file);
  const user = named(config, 'users', String(context['user'] ?? ''), 'user', file);
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined) throw invalid(file, 'its user logs in by a program, which the signer does not run. Make a kubeconfig with a client certificate or a token');
  const data = (from: Fields, name: string): Promise<string | null> => inlineOrFile(from, name, file);
  const [ca, certificate, key, tokenFile] = [await data(cluster, 'certificate-authority'), await data(user, 'client-certificate'), await data(user, 'client-key'), user['tokenFile']];
  const token = typeof tokenFile === 'string' ? (await textOf(beside(file, tokenFile), file)).trim() : user['token'];
  return {
    url: serverOf(cluster, file), ca, serverName: typeof cluster['tls-server-name'] === 'string' ? cluster['tls-server-name'] : null,
    client: certificate !== null && key !== null ? { certificate, key } : null, token: typeof token === 'string' ? token : null,
  };
}

function serverOf({ server }: Fields, file: string): string {
  if (typeof server !== 'string' || !server.startsWith('https://') || !URL.canParse(server)) throw invalid(file, 'its cluster has no https server');
  return server.replace(/\/$/, '');
}

/** The item of a list by its name; it holds its fields under `field`. */
function named(config: Fields, list: string, name: string, field: string, file: string): Fields {
  const items = Array.isArray(config[list]) ? config[list].map(fieldsOf) : [];
  const found = items.find((item) => item['name'] === name)?.[field];
  if (found === undefined) throw invalid(file, `it has no ${field} named '${name}'`);
  return fieldsOf(found);
}

/** `NAME-data` is base64; `NAME` is a file, relative to the kubeconfig. */
async function inlineOrFile(from: Fields, name: string, file: string): Promise<string | null> {
  const [data, path] = [from[`${name}-data`], from[name]];
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8');
  return typeof path === 'string' ? textOf(beside(file, path), file) : null;
}

const beside = (file: string, path: string): string => resolve(dirname(file), path);
const fieldsOf = (value: unknown): Fields => Object(value) as Fields;

function parsed(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch {
    throw invalid(file, 'it is not YAML');
  }
}

async function textOf(path: string, file: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw invalid(file, `${path === file ? 'it' : path} can not be read (${error.code})`);
  });
}

const invalid = (file: string, why: string): MintmarkError => new MintmarkError('InvalidConfiguration', `The kubeconfig ${file} can not be used: ${why}.`);
