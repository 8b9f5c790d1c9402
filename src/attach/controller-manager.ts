/** The kube-controller-manager beside: it signs the tokens of Secrets with a key file of its own, whatever the API server does. */
import { dirname, join } from 'node:path';
import { textIfThere } from './host-files.ts';
import { parseManifest } from './manifest.ts';
import { TOKEN_SECRETS } from './notes.ts';

/** What to say of it, by the manifest that lies beside that of the API server; and where there is none, that there may be one. */
export async function controllerManagerNotes(apiServerManifest: string): Promise<readonly string[]> {
  const file = join(dirname(apiServerManifest), 'kube-controller-manager.yaml');
  const text = await textIfThere(file);
  const key = /--service-account-private-key-file[= \n-]+([^\s"']+)/.exec(text ?? '')?.[1];
  const signs = text !== null && isPod(text, file) && key !== undefined ? `kube-controller-manager signs token Secrets with ${key} (--service-account-private-key-file), and goes on doing so.` : 'Where kube-controller-manager has --service-account-private-key-file, it signs token Secrets with that key, and goes on doing so.';
  return [`${signs} They never end: import that key with --verify-for forever if you keep such Secrets, or take the flag out and delete them. These are there: ${TOKEN_SECRETS}`];
}

/** It is not what is attached: whatever it is, it stops nothing. */
function isPod(text: string, file: string): boolean {
  try {
    parseManifest(text, file);
    return true;
  } catch {
    return false;
  }
}
