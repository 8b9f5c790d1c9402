/** Where commands that restart an API server look whether it came back. */
import type { ApiServerPod } from '../../attach/patches.ts';
import type { Readiness } from '../../attach/readiness.ts';
import type { OptionSpec } from '../command.ts';
import { failure, usageError } from '../errors.ts';
import { parseLength } from '../lengths-of-time.ts';

export interface ReadinessFlags {
  readonly waitReady?: string;
  readonly waitFor?: number;
  readonly caFile?: string;
}

export const READINESS_FLAGS: readonly OptionSpec[] = [
  { flags: '--wait-ready <url>', summary: 'Where to look whether the API server comes back, such as https://10.0.0.4:6443/readyz; put back what was there if it does not', parse: httpsUrl },
  { flags: '--wait-for <length>', summary: 'For how long to look (5m)', parse: parseLength },
  { flags: '--ca-file <file>', summary: "Authority of its certificate; ca.crt beside the manifest's --tls-cert-file when left out" },
];

const DEFAULT_WAIT_SECONDS = 300;

function httpsUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw usageError(`argument --wait-ready: '${text}' is no https URL.`);
}

/** Null where nobody said where to look. @throws CommandError (1) when the authority can not be read. */
export async function readinessOf({ waitReady, waitFor = DEFAULT_WAIT_SECONDS, caFile }: ReadinessFlags, pod: ApiServerPod): Promise<Readiness | null> {
  if (waitReady === undefined) return null;
  const [{ ask }, { createReadiness }, { setTimeout: wait }] = await Promise.all([import('../../attach/api-server-client.ts'), import('../../attach/readiness.ts'), import('node:timers/promises')]);
  const { origin, pathname, search } = new URL(waitReady);
  const server = { url: origin, ca: await authority(pod, caFile), serverName: null, client: null, token: null };
  return createReadiness(waitReady, () => ask(server, pathname + search), { now: () => performance.now(), wait: (milliseconds) => wait(milliseconds) }, waitFor * 1000);
}

async function authority(pod: ApiServerPod, caFile: string | undefined): Promise<string> {
  const [{ readFile }, { dirname, join }, { hostPathOf }, { flagList, valuesOf }] = await Promise.all([import('node:fs/promises'), import('node:path'), import('../../attach/host-files.ts'), import('../../attach/patches.ts')]);
  const certificate = valuesOf(flagList(pod), 'tls-cert-file').at(-1);
  const onHost = certificate === undefined ? null : hostPathOf(pod, certificate);
  const file = caFile ?? (onHost === null ? null : join(dirname(onHost), 'ca.crt'));
  if (file === null) throw failure(`The manifest ${certificate === undefined ? 'names no --tls-cert-file' : `has --tls-cert-file=${certificate}, which no volume of its pod has on this host`}, so its authority is not known. Name it with --ca-file.`);
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure(`The authority of the API server's certificate can not be read from ${file} (${error.code}). Name it with --ca-file.`);
  });
}
