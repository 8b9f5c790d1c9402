/**
 * How long a command takes from its start to its exit: `aks show` of the shipped program against the shipped server on this
 * machine, against the Azure CLI doing the same against the same server where that is installed, or the 290 ms that it takes
 * where it was measured. See README.md.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { startAzureLogin } from './azure-login.ts';
import { isInstalled } from './processes.ts';
import { makePlace, type Place, startServer } from './server.ts';
import { seed, type Seeded } from './seed.ts';
import { median, printTable, spread } from './statistics.ts';
import { takeTurns } from './turns.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const LAUNCHER = resolve(import.meta.dirname, '../bin/mintmark');
/** `aks show` by azure-cli 2.45 against a local server on a machine of two cores. */
const AZURE_CLI_MS = 290;

interface Contender {
  readonly name: string;
  readonly command: string;
  readonly env: NodeJS.ProcessEnv;
}

/** In milliseconds: from start to exit, and on a processor. */
interface Measurement {
  readonly wall: number;
  readonly cpu: number;
}

/** Runs a command; the shell's `times` (POSIX) says what its processes had of a processor. */
async function measure({ command, env }: Contender, line: readonly string[]): Promise<Measurement> {
  const begun = performance.now();
  const child = spawn('sh', ['-c', '"$@" > /dev/null || exit 1; times', 'sh', command, ...line], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit') as Promise<[number]>]);
  if (code !== 0) throw new Error(`${command} ${line.join(' ')} failed.`);
  const [user, system] = [...said.trim().split('\n').at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
  return { wall: performance.now() - begun, cpu: (user! + system!) * 1000 };
}

function mintmark({ folder, management }: Place, { tenantId, subscriptionId, clientId, clientSecret }: Seeded): Contender {
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'profile.json'), JSON.stringify({ endpoint: management.url, tenantId, subscriptionId, clientId, clientSecret, caFile: '../ca.pem' }), { mode: 0o600 });
  return { name: 'mintmark', command: LAUNCHER, env: { MINTMARK_HOME: home } };
}

/** Logged in at the server. */
async function azureCli(place: Place, seeded: Seeded): Promise<Contender> {
  const { folder, management } = place;
  const env = { AZURE_CONFIG_DIR: join(folder, 'azure'), REQUESTS_CA_BUNDLE: join(folder, 'ca.pem'), AZURE_CORE_COLLECT_TELEMETRY: '0', AZURE_CORE_ONLY_SHOW_ERRORS: '1' };
  const login = await startAzureLogin(place, seeded.tenantId);
  const az = (...line: readonly string[]): Promise<Measurement> => measure({ name: 'az', command: 'az', env }, line);
  try {
    await az('cloud', 'register', '-n', 'bench', '--endpoint-resource-manager', management.url, '--endpoint-active-directory', login.url, '--endpoint-active-directory-resource-id', management.url, '--endpoint-active-directory-graph-resource-id', management.url);
    await az('cloud', 'set', '-n', 'bench');
    await az('login', '--service-principal', '-u', seeded.clientId, '-p', seeded.clientSecret, '-t', seeded.tenantId);
  } finally {
    login.close();
  }
  return { name: `azure-cli ${spawnSync('az', ['version', '--query', '"azure-cli"', '-o', 'tsv'], { encoding: 'utf8' }).stdout.trim()}`, command: 'az', env };
}

function report(measured: ReadonlyMap<Contender, readonly Measurement[]>): void {
  const [ours, theirs] = [...measured.values()];
  printTable(['aks show', 'from start to exit, ms', 'on a processor, ms', 'ratio (reach: ≤ 0.6), by the clock', 'by processor time'], [...measured].map(([{ name }, rounds]) => [
    name, median(rounds.map(({ wall }) => wall)).toFixed(0), median(rounds.map(({ cpu }) => cpu)).toFixed(0),
    theirs === undefined ? `${(median(ours!.map(({ wall }) => wall)) / AZURE_CLI_MS).toFixed(3)} of ${AZURE_CLI_MS} ms` : spread(rounds.map(({ wall }, round) => wall / theirs[round]!.wall)),
    theirs === undefined ? '' : spread(rounds.map(({ cpu }, round) => cpu / theirs[round]!.cpu)),
  ]));
}

const place = await makePlace();
try {
  const seeded = await seed(place, { issuers: 1, principals: 1 });
  const server = await startServer(place, seeded.issuers[0]!.jwks);
  try {
    const contenders = [mintmark(place, seeded)];
    if (isInstalled('az')) contenders.push(await azureCli(place, seeded));
    else console.error(`az is not on the PATH (Debian: apt-get install azure-cli): compared with ${AZURE_CLI_MS} ms.`);
    const show = ['aks', 'show', '--name', 'cluster-000000', '--resource-group', 'group-0'];
    report(await takeTurns(contenders, Number(values.rounds), (contender) => measure(contender, show)));
  } finally {
    await server.stop();
  }
} finally {
  place.remove();
}
