/**
 * `az-setup`: what logs the real Azure CLI in to the server of the profile: printed for a shell to evaluate, or done.
 *
 * Azure CLI gets a folder of its own in the home, so that what a person has set up for Azure stays untouched. The secret is
 * in no text that is printed: the shell takes it from the profile, and `--run` hands it over in a file.
 */
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../command.ts';
import { failure } from '../errors.ts';
import { printableLines } from '../output/printable.ts';
import type { Profile } from '../profile.ts';
import type { Session } from '../session.ts';

/** In all that Azure CLI prints of its cloud and its subscriptions. */
const CLOUD = 'mintmark';
const MISSING = "There is no Azure CLI on the PATH ('az'). On Debian and Ubuntu: apt-get install azure-cli. Or use Mintmark's own command line, which has the same commands.";

const cloud = (verb: string, ...more: readonly string[]): readonly string[] => ['cloud', verb, '--name', CLOUD, ...more];

const environmentOf = ({ home, caPath }: Profile): Readonly<Record<string, string>> => ({
  AZURE_CONFIG_DIR: join(home, 'azure-cli'),
  ...(caPath === null ? {} : { REQUESTS_CA_BUNDLE: caPath }),
  AZURE_CORE_COLLECT_TELEMETRY: '0',
});

/**
 * The lines of Azure CLI: `update` for a cloud that it knows already, at whatever address. The password comes behind
 * `logIn`, in one word with its option: it may begin with a hyphen.
 */
const linesOf = ({ endpoint, clientId, tenantId }: Profile) => ({
  isKnown: cloud('show'),
  register: cloud('register', '--endpoint-resource-manager', endpoint),
  update: cloud('update', '--endpoint-resource-manager', endpoint, '--endpoint-active-directory', `${endpoint}/adfs`, '--endpoint-active-directory-resource-id', endpoint),
  choose: cloud('set'),
  logIn: ['login', '--service-principal', '--username', clientId, '--tenant', tenantId],
});

const word = (text: string): string => (/^[\w./:@=+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
/** `command`: whatever alias or function `az` is in that shell. */
const shellLine = (words: readonly string[]): string => ['command az', ...words.map(word)].join(' ');
const exportsOf = (environment: Readonly<Record<string, string>>): readonly string[] => Object.entries(environment).map(([name, value]) => `export ${name}=${word(value)}`);

function script(profile: Profile): string {
  const { isKnown, register, update, choose, logIn } = linesOf(profile);
  const secret = `"$(sed -n 's/.*"clientSecret": "\\(.*\\)".*/\\1/p' ${word(join(profile.home, 'profile.json'))})"`;
  return [
    ...exportsOf(environmentOf(profile)),
    `if ${shellLine(isKnown)} > /dev/null 2>&1`,
    `then ${shellLine(update)}`,
    `else ${shellLine(register)}`,
    'fi',
    shellLine(choose),
    `${shellLine(logIn)} --password=${secret}`,
    '',
  ].join('\n');
}

/** One line of Azure CLI. @throws CommandError (1) where there is none. */
function azure(session: Session, environment: Readonly<Record<string, string>>, words: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const { PYTHONPATH: _path, ...env } = session.io.env;
  return new Promise((resolve, reject) => {
    const child = spawn('az', words, { env: { ...env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] });
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => reject(failure(error.code === 'ENOENT' ? MISSING : `Azure CLI can not be started: ${error.message}.`)));
    child.on('close', (code) => resolve({ code, said: Buffer.concat(said).toString('utf8') }));
  });
}

async function perform(session: Session, profile: Profile): Promise<void> {
  const [environment, { isKnown, register, update, choose, logIn }] = [environmentOf(profile), linesOf(profile)];
  const folder = environment['AZURE_CONFIG_DIR']!;
  async function must(words: readonly string[]): Promise<void> {
    const { code, said } = await azure(session, environment, words);
    if (code !== 0) throw failure(`'az ${words.slice(0, 2).join(' ')}' failed (${code}): ${printableLines(said.trim().replace(/^ERROR: /, ''))}`);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await must((await azure(session, environment, isKnown)).code === 0 ? update : register);
  await must(choose);
  const secretFile = join(folder, 'secret-of-this-login');
  await rm(secretFile, { force: true });
  try {
    await writeFile(secretFile, profile.clientSecret, { mode: 0o600, flag: 'wx' });
    await must([...logIn, `--password=@${secretFile}`]);
  } finally {
    await rm(secretFile, { force: true });
  }
}

export const azSetup = command<{ readonly run?: boolean }>({
  examples: ['eval "$(mintmark az-setup)"', 'eval "$(mintmark az-setup --run)"'],
  options: [{ flags: '--run', summary: 'Do it now, and print the variables that the shell needs alone' }],
  async run(session, { run = false }) {
    const profile = await session.profile();
    const environment = environmentOf(profile);
    if (!run) return { result: { cloud: CLOUD, environment }, text: script(profile) };
    await perform(session, profile);
    session.report.warn(`Azure CLI is logged in to the cloud '${CLOUD}' at ${profile.endpoint}. It is found there by a shell with these variables.`);
    return { result: { cloud: CLOUD, environment }, text: `${exportsOf(environment).join('\n')}\n` };
  },
});
