/**
 * docs/workload-identity.md from its first line to its last, and then the pod of it: a program that nobody here wrote for
 * the test logs in with what is in its token file, while the file is replaced under it and keys rotate, and never fails.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { ApiServer } from '../support/api-server.ts';
import { AZURE_CLI_MISSING, AzureCli } from '../support/azure-cli.ts';
import { ClusterApi, exchange } from '../support/dev-api.ts';
import { DevHome, eventually, freePort, ROOT, type Running } from '../support/dev-server.ts';
import { NO_PODS, Pod } from '../support/pod.ts';

const EXAMPLE = join(ROOT, 'examples/workload-identity');
const GROUP = 'myResourceGroup';
const CLUSTER = `-g ${GROUP} -n myAKSCluster`;
const PAGE = readFileSync(join(ROOT, 'docs/workload-identity.md'), 'utf8');
const blocksOf = (page: string): readonly string[] => [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
const home = await DevHome.make({ clock: true });
const azureHome = await DevHome.make();
await home.start();

let secondsAhead = 0;
const now = (): Date => new Date(Date.now() + secondsAhead * 1000);

/** Moves the clocks of the server, of the API server and of the program. */
async function pass(minutes: number): Promise<void> {
  await home.setClock((secondsAhead += minutes * 60));
}

const cluster = (): Promise<ClusterApi> => ClusterApi.open(home, { group: GROUP, name: 'myAKSCluster' });

test('the page, block by block: what the identity may see, what it may not, and a manifest', async () => {
  const script = ['az() { bin/mintmark "$@"; }', "trap 'kill $!' EXIT", ...blocksOf(PAGE)].join('\n').replaceAll('8080', String(await freePort()));
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`;
  const { code, stdout, stderr } = await home.run('/bin/sh', ['-ec', script], { detached: true, env: { ...home.env, PATH } }).ended;
  assert.equal(code, 0, stdout + stderr);
  const { issuerURL } = await (await cluster()).show();
  const lines = stdout.split('\n');
  assert.ok(lines.includes(JSON.stringify([{ name: 'myAKSCluster', issuerUrl: issuerURL }])), stdout);
  assert.match(stdout, /^\{"error":"AuthorizationFailed"/m);
  const claims = JSON.parse(lines.find((line) => line.includes('"kubernetes.io"'))!) as Record<string, unknown>;
  assert.deepEqual([claims['iss'], claims['sub'], claims['aud']], [issuerURL, 'system:serviceaccount:default:clusters', ['api://AzureADTokenExchange']]);
  assert.match(stdout, /^verifies: system:serviceaccount:default:clusters, for api:\/\/AzureADTokenExchange, until /m);
});

test('Azure CLI runs steps 1 to 3 as they are, but for its roles', { skip: AZURE_CLI_MISSING }, async () => {
  await azureHome.start();
  const { endpoint, tenantId, clientId, clientSecret, caFile } = await azureHome.profile();
  const az = new AzureCli({ MINTMARK_HOME: azureHome.dir, ENDPOINT: endpoint, TENANT: tenantId, CLIENT: clientId, SECRET: clientSecret }, caFile);
  const login = ['set -e', 'az cloud register --name mintmark --endpoint-resource-manager "$ENDPOINT"', 'az cloud set --name mintmark', 'az login --service-principal --username "$CLIENT" --password="$SECRET" --tenant "$TENANT"'];
  const { code, stderr } = await az.run([...login, ...blocksOf(PAGE.split('\n## 4. ')[0]!)].join('\n').replace(/^az role .*\n/m, '')).finally(() => az.remove());
  assert.equal(code, 0, stderr);
  const { issuerURL } = await (await ClusterApi.open(azureHome, { group: GROUP, name: 'myAKSCluster' })).show();
  const { stdout } = await azureHome.shell(`az identity federated-credential list -g ${GROUP} --identity-name clusters --query "[].[issuer, subject, audiences[0]]" -o tsv`);
  assert.equal(stdout, `${issuerURL}\tsystem:serviceaccount:default:clusters\tapi://AzureADTokenExchange\n`);
});

test('the example asks for the versions of the SDK that are tested here', () => {
  const of = (file: string): Record<string, Record<string, string>> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
  const { dependencies } = of(join(EXAMPLE, 'package.json'));
  const tested = of(join(ROOT, 'package.json'))['devDependencies']!;
  assert.deepEqual(Object.entries(dependencies!), ['@azure/arm-containerservice', '@azure/identity'].map((name) => [name, tested[name]]));
});

/** A token as the volume of the pod asks for it. */
type Issue = (pod: Pod) => Promise<string>;

async function throughSigner(t: TestContext): Promise<Issue> {
  const { issuerURL } = await (await cluster()).show();
  const apiServer = await ApiServer.start(join(home.dir, 'signers', `${issuerURL.split('/').at(-2)}.sock`), issuerURL, { now });
  t.after(() => apiServer.stop());
  return ({ subject, token: { audience, expirationSeconds } }) => apiServer.requestToken({ subject, audiences: [audience], expirationSeconds });
}

async function byTokenCreate(): Promise<Issue> {
  return async ({ subject, token: { audience, expirationSeconds } }) => {
    const [, , namespace, name] = subject.split(':');
    const { code, stdout, stderr } = await home.shell(`az token create ${CLUSTER} --service-account ${namespace}/${name} --audience ${audience} --duration ${expirationSeconds}s`);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
}

/** A token of another key than the former's: an API server's signer may still have that for a moment. */
const ofNextKey = (issue: Issue, pod: Pod, former: string): Promise<string> => eventually('the next key signs', async () => {
  const token = await issue(pod);
  return decodeProtectedHeader(token).kid === decodeProtectedHeader(former).kid ? undefined : token;
});

/** The example's program in its pod, with this token in its file. */
class Program {
  readonly pod: Pod;
  readonly #url: string;

  private constructor(pod: Pod, url: string) {
    [this.pod, this.#url] = [pod, url];
  }

  static async start(issue: Issue): Promise<{ readonly program: Program; readonly token: string }> {
    const { caFile } = await home.profile();
    const pod = await Pod.of(home, readFileSync(join(home.dir, 'pod.yaml'), 'utf8'), { 'ca.pem': readFileSync(caFile, 'utf8') });
    const token = await issue(pod);
    await pod.write(token);
    const clock = { NODE_OPTIONS: `--import=${import.meta.resolve('../support/moved-clock.ts')}`, MOVED_CLOCK: home.clockFile };
    const running = pod.start([process.execPath, join(EXAMPLE, 'clusters.mjs')], { ...clock, HOST: '127.0.0.1', PORT: '0' });
    return { program: new Program(pod, await listening(running)), token };
  }

  async ask(group: string): Promise<readonly [number, unknown]> {
    const reply = await fetch(`${this.#url}/groups/${group}`);
    return [reply.status, await reply.json()];
  }

  /** What is allowed and what is not, both as they have to be. */
  async round(): Promise<void> {
    const [[allowed, clusters], [refused, reason]] = [await this.ask(GROUP), await this.ask('dev')];
    assert.deepEqual([allowed, (clusters as { name: string }[]).map?.(({ name }) => name), refused, (reason as { error: string }).error], [200, ['myAKSCluster'], 403, 'AuthorizationFailed'], JSON.stringify([clusters, reason]));
  }

  /** Rounds without a pause until the deed is done; all of them good. */
  async roundsDuring<T>(deed: () => Promise<T>): Promise<T> {
    let isOver = false;
    const done = deed().finally(() => { isOver = true; });
    do await this.round();
    while (!isOver);
    return done;
  }
}

const listening = (running: Running): Promise<string> => eventually('the program listens', () => {
  if (running.isOver) throw new Error(`it ended: ${running.stdout}${running.stderr}`);
  return /^listening on (\S+)\n/.exec(running.stdout)?.[1];
});

/** The number with which the token endpoint refuses an assertion. */
async function refusal(assertion: string): Promise<number | undefined> {
  const { endpoint, tenantId } = await home.profile();
  const client_id = (await home.shell(`az identity show -g ${GROUP} -n clusters --query clientId -o tsv`)).stdout.trim();
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion }).toString();
  const { text } = await exchange(home, 'POST', `${endpoint}/${tenantId}/oauth2/v2.0/token`, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });
  return (JSON.parse(text) as { error_codes?: readonly number[] }).error_codes?.[0];
}

for (const [how, source] of [['an API server has it signed by the signer', throughSigner], ['mintmark token create gives it', byTokenCreate]] as const) {
  test(`a pod's token, as ${how}: the program never fails`, { skip: NO_PODS }, async (t) => {
    const issue = await source(t);
    const { program, token: first } = await Program.start(issue);
    await program.round();

    // A rotation; then the kubelet replaces the file when four fifths of the token's hour are over.
    await program.roundsDuring(async () => (await cluster()).rotateToTheEnd());
    await pass(48);
    const second = await program.roundsDuring(() => ofNextKey(issue, program.pod, first));
    await program.roundsDuring(() => program.pod.write(second));

    // The access token has ended by now, and the first token too: what logs in is what was put into the file.
    await pass(20);
    assert.equal(await refusal(first), 700024);
    await program.round();

    // Two rotations by hand, the file replaced before each: the key of the token before is revoked, though it had not ended.
    await pass(40);
    const third = await issue(program.pod);
    await program.pod.write(third);
    await program.roundsDuring(async () => (await cluster()).rotateToTheEnd());
    const fourth = await program.roundsDuring(() => ofNextKey(issue, program.pod, third));
    await program.pod.write(fourth);
    assert.equal(await refusal(third), undefined);
    await program.roundsDuring(async () => (await cluster()).rotateToTheEnd());
    assert.deepEqual([await refusal(third), await refusal(fourth)], [7_000_272, undefined]);
    await pass(22);
    await program.round();
  });
}

test('a file that nobody replaces is refused with the reason; a new one is read after the five minutes of the SDK', { skip: NO_PODS }, async () => {
  const issue = await byTokenCreate();
  const { program } = await Program.start(issue);
  await program.round();
  await pass(62);
  const asked = async (): Promise<readonly [number, string | undefined]> => {
    const [status, body] = await program.ask(GROUP);
    return [status, /AADSTS\d+/.exec(JSON.stringify(body))?.[0]];
  };
  assert.deepEqual(await asked(), [502, 'AADSTS700024']);
  await program.pod.write(await issue(program.pod));
  assert.deepEqual(await asked(), [502, 'AADSTS700024']);
  await pass(6);
  await program.round();
});
