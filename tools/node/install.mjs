// Runs after `npm ci`. Where the machine's Node.js is older than 24, installs a pinned newer one inside the
// project and links it as node_modules/.bin/node, which npm scripts and bin/mintmark prefer. Otherwise does nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const oldestSupported = 24;
if (Number(process.versions.node.split('.')[0]) < oldestSupported) {
  const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  execFileSync(command, [...first, 'ci', '--prefix', here, '--no-audit', '--no-fund'], { stdio: 'inherit', cwd: here });
  const modules = join(here, 'node_modules');
  const name = readdirSync(modules).find((entry) => existsSync(join(modules, entry, 'bin', 'node')));
  if (name === undefined) {
    throw new Error(`Mintmark needs Node.js ${oldestSupported} or later, and there is no prebuilt one for ${process.platform}-${process.arch}: install it and run npm ci again.`);
  }
  const bin = join(here, '..', '..', 'node_modules', '.bin');
  mkdirSync(bin, { recursive: true });
  rmSync(join(bin, 'node'), { force: true });
  symlinkSync(join(modules, name, 'bin', 'node'), join(bin, 'node'));
}
