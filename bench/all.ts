/** All benchmarks, one after another, in about ten minutes: each prints its tables below its name. See README.md. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';

/** File → arguments, where its own defaults take longer than they need to here. */
const BENCHMARKS = {
  'jwks.ts': ['--rounds', '20'],
  'tokens.ts': [],
  'create.ts': [],
  'scale.ts': [],
  'rotation.ts': [],
  'signer.ts': ['--rounds', '5'],
  'cli.ts': [],
} as const satisfies Record<string, readonly string[]>;

/** False when it failed, which it has told itself. */
async function run(file: string, args: readonly string[]): Promise<boolean> {
  const begun = performance.now();
  console.log(`## ${file.replace('.ts', '')}\n`);
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  console.log(`${code === 0 ? '' : `It failed (${code}). `}${((performance.now() - begun) / 1000).toFixed(0)} s; load average ${loadavg()[0]!.toFixed(1)} at its end.\n`);
  return code === 0;
}

console.log(`${availableParallelism()} processors (${cpus()[0]?.model.trim()}), Node.js ${process.versions.node}, ${spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout.trim()}; load average ${loadavg()[0]!.toFixed(1)} at the start.\n`);
let succeeded = true;
for (const [file, args] of Object.entries(BENCHMARKS)) succeeded = (await run(file, args)) && succeeded;
process.exitCode = succeeded ? 0 : 1;
