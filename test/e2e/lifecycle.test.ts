/** Starts and stops of the real program: signals, starts on a home that exists, and starts that are refused with the reason. */
import assert from 'node:assert/strict';
import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, test } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { ClusterApi, exchange, logIn } from '../support/dev-api.ts';
import { DevHome, type Ended, freePort, isFree } from '../support/dev-server.ts';

/** Both ports of the home, free again. */
const portsAreFree = async (home: DevHome): Promise<readonly boolean[]> => [await isFree(home.managementPort), await isFree(home.issuerPort)];

const signals = await DevHome.make();

describe('a signal ends it: the process is gone, the ports are free, the exit code is 0', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} to mintmark dev`, async () => {
      const server = await signals.start();
      for (const port of [signals.managementPort, signals.issuerPort]) {
        for (const path of ['/healthz', '/readyz']) assert.equal((await exchange(signals, 'GET', `https://localhost:${port}${path}`)).status, 200);
      }
      const { code, stdout, stderr } = await server.end(signal);
      assert.deepEqual([code, stdout.endsWith('Stopping.\n'), stderr, await portsAreFree(signals)], [0, true, '', [true, true]]);
    });
  }

  it('SIGTERM to npm start', async () => {
    const npm = await signals.run('npm', ['start', '--', ...signals.flags()]).up();
    // Resolves when nobody holds npm's output any more, so not before the server is gone too.
    const { stdout } = await npm.end('SIGTERM');
    assert.deepEqual([stdout.endsWith('Stopping.\n'), await portsAreFree(signals)], [true, [true, true]]);
  });
});

const again = await DevHome.make();

test('a second start finds everything again, after SIGTERM and after SIGKILL', async () => {
  let server = await again.start();
  const [profile, accessToken] = [await again.profile(), await logIn(again)];
  const open = (): Promise<ClusterApi> => ClusterApi.open(again, { accessToken });
  const before = await open();
  const [{ issuerURL, keys }, jwks, token, events] = [await before.show(), await before.jwks(), await before.issueToken(), await before.events()];
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await server.end(signal);
    server = await again.start();
    const api = await open();
    assert.deepEqual([await again.profile(), await api.jwks(), await api.events()], [profile, jwks, events]);
    const issuer = await api.show();
    assert.deepEqual([issuer.issuerURL, issuer.keys.map(({ kid, state }) => [kid, state])], [issuerURL, keys.map(({ kid, state }) => [kid, state])]);
    await jwtVerify(token, createLocalJWKSet(await api.jwks()), { issuer: issuerURL });
    assert.ok(server.stdout.includes(`Issuer URL        ${issuerURL}\n`), 'the welcome names the same issuer');
  }
  await server.end('SIGTERM');
});

const setBack = await DevHome.make({ clock: true });

test('a machine whose clock was set back starts as ever: the store goes on from the time that it knows', async () => {
  await setBack.setClock(3600);
  await (await setBack.start()).end('SIGTERM');
  await setBack.setClock(0);
  const server = await setBack.start();
  assert.match(server.stderr, /^WARNING: The store has seen a time 3\d{3} seconds ahead of this machine's clock/);
  const token = await (await ClusterApi.open(setBack)).issueToken();
  assert.ok(decodeJwt(token).iat! * 1000 > Date.now() + 3000_000, 'the time of tokens does not go back');
  await server.end('SIGTERM');
});

const guarded = await DevHome.make();

test('what is written is for its owner only, and what is printed has no secret', async () => {
  const server = await guarded.start();
  await guarded.shell('az token create -g dev -n dev --service-account default/app -o none');
  const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
  const files = await readdir(guarded.dir);
  const open = (await Promise.all(files.map(async (file) => [file, await modeOf(join(guarded.dir, file))] as const))).filter(([, mode]) => mode !== '600');
  assert.equal(await modeOf(guarded.dir), '700');
  assert.ok(files.length >= 8, files.join(' '));
  // Certificates are public; sockets are in a folder.
  assert.deepEqual(open.filter(([file]) => !['ca.pem', 'server.pem'].includes(file)), [['signers', '700']]);
  const { stdout, stderr } = await server.end('SIGTERM');
  const { clientSecret } = await guarded.profile();
  const keyEncryptionKey = (await readFile(join(guarded.dir, 'key-encryption-key'), 'utf8')).trim();
  for (const secret of [clientSecret, keyEncryptionKey, '-----BEGIN', 'PRIVATE KEY']) assert.ok(!`${stdout}${stderr}`.includes(secret), 'a secret was printed');
  assert.equal(stderr, '');
});

const hurt = await DevHome.make();

test('a damaged first cluster takes nothing else down', async () => {
  await (await hurt.start()).end('SIGTERM');
  const store = new DatabaseSync(join(hurt.dir, 'mintmark.db'));
  store.exec('update sealed_keys set sealed = substr(sealed, 1, 40)');
  store.close();
  const server = await hurt.start();
  assert.match(server.stdout, /^Sample token {6}none: \(SealBroken\) The sealed key '.+' can not be opened/m);
  assert.equal((await exchange(hurt, 'GET', `https://localhost:${hurt.managementPort}/readyz`)).status, 200);
  await server.end('SIGTERM');
});

const refusing = await DevHome.make();

describe('a start is refused with the reason, exit 1, and the home is as it was', () => {
  /** What a start says; the ports of `refusing` unless `flags` says otherwise. */
  const start = (dir: string, ...flags: readonly string[]): Promise<Ended> => refusing.launch('--home', dir, ...flags).ended;
  const damaged = async (name: string, damage: (dir: string) => Promise<void>): Promise<string> => {
    const dir = join(dirname(refusing.dir), name);
    await cp(refusing.dir, dir, { recursive: true });
    await damage(dir);
    return dir;
  };
  const refusal = ({ code, stdout, stderr }: Ended): readonly [number | null, string, string] => [code, stdout, stderr];

  it('another issuer port on a home that exists', async () => {
    await (await refusing.start()).end('SIGTERM');
    const profile = await refusing.profile();
    const other = await freePort();
    assert.deepEqual(refusal(await start(refusing.dir, '--issuer-port', String(other))), [1, '',
      `ERROR: (InvalidConfiguration) The issuer URLs in ${refusing.dir} contain port ${refusing.issuerPort} and never change, so they can not be served on port ${other}. Start with --issuer-port ${refusing.issuerPort}, or use another home with --home DIR.\n`]);
    assert.deepEqual(await refusing.profile(), profile);
  });

  it('another key-encryption key', async () => {
    const dir = await damaged('wrong-key', async (home) => writeFile(join(home, 'key-encryption-key'), `${Buffer.alloc(32, 7).toString('base64')}\n`));
    assert.deepEqual(refusal(await start(dir)), [1, '',
      `ERROR: (WrongKeyEncryptionKey) The store ${join(dir, 'mintmark.db')} was sealed under another key-encryption key than the one in ${join(dir, 'key-encryption-key')}. Put the former file back from your backup; without it the keys in the store do not open, and a new home is needed (--home DIR).\n`]);
  });

  it('key-encryption key and profile both lost: no new key covers up the loss', async () => {
    const dir = await damaged('both-lost', async (home) => { for (const file of ['key-encryption-key', 'profile.json']) await rm(join(home, file)); });
    const { code, stderr } = await start(dir);
    assert.deepEqual([code, stderr.startsWith('ERROR: (InvalidConfiguration) The key-encryption key file'), (await readdir(dir)).includes('key-encryption-key')], [1, true, false]);
  });

  it('a profile that is no profile', async () => {
    for (const text of ['{"a"', '{}', 'null']) {
      const dir = await damaged(`profile-${text.length}`, (home) => writeFile(join(home, 'profile.json'), text));
      assert.deepEqual(refusal(await start(dir)), [1, '', `ERROR: (InvalidConfiguration) ${join(dir, 'profile.json')} is not what Mintmark wrote. Delete it and start again: a new Owner is made for the same tenant, with a new secret.\n`]);
    }
  });

  it("a folder that is somebody's, and one port for both", async () => {
    const dir = join(dirname(refusing.dir), 'somebodys');
    await mkdir(dir);
    await writeFile(join(dir, 'letter.txt'), 'dear');
    assert.deepEqual(refusal(await start(dir)), [1, '', `ERROR: (InvalidConfiguration) The folder ${dir} is no home of Mintmark and is not empty. Name a new or an empty folder with --home DIR.\n`]);
    const [port, fresh] = [`${await freePort()}`, join(dirname(refusing.dir), 'one-port')];
    const { code, stderr } = await start(fresh, '--issuer-port', port, '--management-port', port);
    assert.deepEqual([code, stderr], [1, `ERROR: (InvalidConfiguration) The management API and the issuers can not both listen on port ${port}. Give one of them another with --management-port or --issuer-port.\n`]);
  });

  const KEY_FILES: readonly (readonly [string, (file: string) => Promise<void>, (file: string) => string])[] = [
    ['missing', (file) => rm(file), (file) => `The key-encryption key file ${file} is not there. If the store has keys already, restore the file from your backup: nothing else opens them. For a new store, make one: (umask 077; head -c 32 /dev/urandom | base64 > ${file}), and keep a copy in another place.`],
    ['cut short', (file) => writeFile(file, 'AAAA\n'), (file) => `The key-encryption key file ${file} does not hold 32 bytes as base64.`],
    ['readable by others', (file) => chmod(file, 0o644), (file) => `The key-encryption key file ${file} can be read by others than its owner: run chmod 600 ${file}.`],
  ];
  for (const [what, damage, message] of KEY_FILES) {
    it(`a key-encryption key file that is ${what}`, async () => {
      const dir = await damaged(`key-${what.replaceAll(' ', '-')}`, (home) => damage(join(home, 'key-encryption-key')));
      assert.deepEqual(refusal(await start(dir)), [1, '', `ERROR: (InvalidConfiguration) ${message(join(dir, 'key-encryption-key'))}\n`]);
    });
  }

  it('a store with garbage in it', async () => {
    const dir = await damaged('garbage', (home) => writeFile(join(home, 'mintmark.db'), Buffer.alloc(20_000, 0xa5)));
    assert.deepEqual(refusal(await start(dir)), [1, '', `ERROR: (StoreCorrupt) The store ${join(dir, 'mintmark.db')} can not be opened. The store's file is damaged or is no SQLite database. Stop Mintmark and restore the file from a backup.\n`]);
  });

  it('a home that can not be made', async () => {
    const file = join(dirname(refusing.dir), 'a-file');
    await writeFile(file, '');
    const { code, stderr } = await start(join(file, 'home'));
    assert.deepEqual([code, stderr.startsWith(`ERROR: (InvalidConfiguration) The home ${join(file, 'home')} can not be made or written: ENOTDIR`)], [1, true]);
  });

  it('a second process on the same home, and ports that are taken, while the first process goes on', async () => {
    const first = await refusing.start();
    const [free, other] = [`${await freePort()}`, join(dirname(refusing.dir), 'other')];
    assert.deepEqual(refusal(await start(refusing.dir, '--management-port', free)), [1, '', `ERROR: (HomeInUse) Another Mintmark process runs on the home ${refusing.dir}. Stop it, or choose another home with --home DIR.\n`]);
    const ports = { '--management-port': refusing.managementPort, '--issuer-port': refusing.issuerPort, '--signers-port': refusing.signersPort };
    for (const [flag, taken] of Object.entries(ports)) {
      const others = await Promise.all(Object.keys(ports).filter((one) => one !== flag).map(async (one) => [one, `${await freePort()}`]));
      assert.deepEqual(refusal(await start(`${other}${flag}`, ...others.flat())), [1, '', `ERROR: (AddressInUse) Port ${taken} on 127.0.0.1 is taken by another process. Stop it, or choose another port with ${flag}.\n`]);
    }
    await (await ClusterApi.open(refusing)).issueToken();
    assert.equal(first.isOver, false);
    await first.end('SIGTERM');
  });

  it('a start that was refused is made good by the next', async () => {
    const dir = join(dirname(refusing.dir), 'made-good');
    await mkdir(dir);
    for (const [file, text] of [['lock', ''], ['profile.json.part', 'cut short']] as const) await writeFile(join(dir, file), text);
    const server = await refusing.launch('--home', dir).up();
    assert.equal((await server.end('SIGTERM')).code, 0);
  });
});

test('dev --help', async () => {
  const { code, stdout, stderr } = await refusing.shell('az dev --help');
  assert.deepEqual([code, stderr, stdout.startsWith('Usage: mintmark dev [options]\n')], [0, '', true]);
  for (const flag of ['--home <dir>', '--management-port <port>', '--issuer-port <port>', '--listen <address>']) assert.ok(stdout.includes(flag), flag);
  assert.ok(!stdout.includes('--clock-file'), 'what is for tests only is not shown');
});

test('a port that is none is a bad argument: exit 2', async () => {
  const { code, stderr } = await refusing.shell('az dev --management-port 99999');
  assert.deepEqual([code, stderr], [2, 'ERROR: argument --management-port: 99999 is no port; the highest is 65535.\n']);
});
