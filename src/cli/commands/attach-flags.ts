/** Flags of the commands that attach an API server, and what they come to. */
import { type Attachment, DEFAULT_KEY_FOLDER, DEFAULT_SOCKET, type Stage } from '../../attach/api-server-flags.ts';
import { type Way, WAYS } from '../../attach/distributions.ts';
import type { OptionSpec } from '../command.ts';
import { usageError } from '../errors.ts';

export interface WayFlags {
  readonly mode?: Way;
  readonly stage?: Stage;
  readonly socket?: string;
  readonly keyFolder?: string;
  readonly useAlpha?: true;
  readonly keepAutoExtension?: true;
}

export const KEY_FOLDER: OptionSpec = { flags: '--key-folder <dir>', summary: `Folder of the API server's key files (${DEFAULT_KEY_FOLDER})`, parse: absolute('--key-folder') };
export const MANIFEST: OptionSpec = { flags: '--manifest <file>', summary: 'Static pod manifest of the API server, such as /etc/kubernetes/manifests/kube-apiserver.yaml' };

export const WAY_FLAGS: readonly OptionSpec[] = [
  { flags: '--mode <mode>', summary: 'external: the API server asks a signer for each token; key-files: it signs with files; followed: it keeps keys of its own, which is impossible today. By the version when left out', choices: WAYS },
  { flags: '--stage <stage>', summary: 'With several API servers, accept on all, then sign on all; sign when left out', choices: ['accept', 'sign'] },
  { flags: '--socket <path>', summary: `Socket of the signer (${DEFAULT_SOCKET})`, parse: absolute('--socket') },
  KEY_FOLDER,
  { flags: '--use-alpha', summary: 'External signing in Kubernetes 1.32 and 1.33, by its feature gate' },
  { flags: '--keep-auto-extension', summary: 'Keep the long tokens that pods have for the API server itself' },
];

/** With the defaults filled in. */
export const wayOf = ({ stage = 'sign', socket = DEFAULT_SOCKET, keyFolder = DEFAULT_KEY_FOLDER, useAlpha, keepAutoExtension }: WayFlags): Pick<Attachment, 'stage' | 'socket' | 'keyFolder' | 'useAlpha' | 'keepAutoExtension'> =>
  ({ stage, socket, keyFolder, useAlpha: useAlpha === true, keepAutoExtension: keepAutoExtension === true });

/** The API server has another working directory, and sees other folders. */
function absolute(flag: string) {
  return (text: string): string => {
    if (text.startsWith('/') && !text.includes('\n')) return text.replace(/(?<=.)\/$/, '');
    throw usageError(`argument ${flag}: '${text}' is no absolute path.`);
  };
}

/** An issuer as `iss` names it. */
export function issuerUrl(text: string): string {
  if (URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw usageError(`argument --former-issuer: '${text}' is no https URL. It is the value of the API server's present --service-account-issuer.`);
}

/** 34 for `1.34.2`; the management API accepts nothing else. */
export const minorOf = (version: string): number => Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? Number.NaN);
