/** The proxy by which other machines are asked, as `HTTPS_PROXY` and `NO_PROXY` name it; in lower case they count first. */

/** The proxy's URL for a host and port; null where it is asked directly. */
export type OutboundProxy = (host: string, port: number) => string | null;

/** A proxy that is no http or https URL is as none: `config check` and the start of the server say so. */
export function outboundProxy(env: NodeJS.ProcessEnv): OutboundProxy {
  const proxy = env['https_proxy'] || env['HTTPS_PROXY'] || '';
  if (!isProxyUrl(proxy)) return () => null;
  const rules = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map((rule) => rule.trim().toLowerCase()).filter((rule) => rule !== '');
  return (host, port) => (rules.some((rule) => excepts(rule, host.toLowerCase(), port)) ? null : proxy);
}

const isProxyUrl = (proxy: string): boolean => /^https?:\/\//i.test(proxy) && URL.canParse(proxy);

/** `*`, `host`, `.domain`, `*.domain`, each with a port or without. A host stands for what is below it too. */
function excepts(rule: string, host: string, port: number): boolean {
  if (rule === '*') return true;
  const [, name = rule, rulePort] = /^(.*?)(?::(\d+))?$/.exec(rule) ?? [];
  const domain = name.replace(/^\*?\./, '');
  return (rulePort === undefined || Number(rulePort) === port) && (host === domain || host.endsWith(`.${domain}`));
}
