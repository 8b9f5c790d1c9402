/**
 * How a signer reaches its server: directly, or by the proxy that `HTTPS_PROXY` and `NO_PROXY` name, with CONNECT, so that
 * TLS is end to end and the certificate that is pinned stays the server's.
 */
import type { AgentOptions } from 'node:https';
import { isIP } from 'node:net';
import { outboundProxy, proxyFault } from '../fetch/outbound-proxy.ts';

/** Never asked of a proxy, as on the command line: a server of this machine is not elsewhere. */
const isThisMachine = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** The proxy's URL for a server's; null where it is asked directly. */
export function proxyTo(url: string, env: NodeJS.ProcessEnv): string | null {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return isThisMachine(host) ? null : outboundProxy(env)(host, Number(port || 443));
}

/** What to say of a proxy that can not be asked, so that the server is asked directly; null where there is nothing to say. */
export function proxyWarning(env: NodeJS.ProcessEnv): string | null {
  const fault = proxyFault(env);
  return fault === null ? null : `The server is asked without a proxy: ${fault.about} ${fault.problem}`;
}

/** For node's own agent. */
export const proxied = (proxy: string | null): AgentOptions => (proxy === null ? {} : { proxyEnv: { HTTPS_PROXY: proxy } });
