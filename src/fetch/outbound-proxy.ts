/** The proxy by which other machines are asked, as `HTTPS_PROXY` and `NO_PROXY` name it; in lower case they count first. */

/** The proxy's URL for a host and port; null where it is asked directly. */
export type OutboundProxy = (host: string, port: number) => string | null;

/** A proxy that is no http or https URL is as none: who starts says so by `proxyFault`. */
export function outboundProxy(env: NodeJS.ProcessEnv): OutboundProxy {
  const proxy = env['https_proxy'] || env['HTTPS_PROXY'] || '';
  if (!isProxyUrl(proxy)) return () => null;
  const rules = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((rule) => rule.trim().toLowerCase()).filter((rule) => rule !== '');
  return (host, port) => (rules.some((rule) => excepts(rule, host.toLowerCase(), port)) ? null : proxy);
}

/** What is wrong with the proxy that is named, and in which variable; null for nothing. Its text is not repeated: it may have a password. */
export function proxyFault(env: NodeJS.ProcessEnv): { readonly about: string; readonly problem: string } | null {
  const about = env['https_proxy'] ? 'https_proxy' : 'HTTPS_PROXY';
  const proxy = env[about] || null;
  return proxy === null || isProxyUrl(proxy) ? null : { about, problem: 'is no http or https URL: write it as http://outbound.example.com:3128, or unset it.' };
}

const isProxyUrl = (proxy: string): boolean => /^https?:\/\//i.test(proxy) && URL.canParse(proxy);

/** `*`, `host`, `.domain`, `*.domain`, each with a port or without. A host stands for what is below it too. */
function excepts(rule: string, host: string, port: number): boolean {
  if (rule === '*') return true;
  const [, name = rule, rulePort] = /^(.*?)(?::(\d+))?$/.exec(rule) ?? [];
  const domain = name.replace(/^\*?\./, '');
  return (rulePort === undefined || Number(rulePort) === port) && (host === domain || host.endsWith(`.${domain}`));
}
