/** The entry of the `mintmark` program: the command line, and the long-running commands behind lazy imports. */
import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Lines } from './serve/lines.ts';

keepCompiledCode();
// Whoever reads the output may go away at any time (`| head`); that is no failure of what runs here.
for (const stream of [process.stdout, process.stderr]) stream.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') throw error; });

/** What runs for long says the rest in its log, and goes on when its words can not be written. */
const serverOutput = async (): Promise<{ readonly stdout: Lines; readonly stderr: Lines; readonly env: NodeJS.ProcessEnv }> => {
  const { wordsTo } = await import('./serve/lines.ts');
  return { stdout: wordsTo(1), stderr: wordsTo(2), env: process.env };
};

const { run } = await import('./cli/run.ts');
process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  commands: {
    lockFile: async (file, message) => (await import('./serve/server-process.ts')).lockFile(file, message),
    dev: async (options) => (await import('./dev/dev.ts')).dev(options, await serverOutput()),
    serve: async (flags) => (await import('./serve/serve.ts')).serve(flags, await serverOutput()),
    signerRun: async ({ keyFiles, ...flags }) => {
      const { runSigner } = await import('./signer/run.ts');
      return runSigner({
        ...flags,
        keyFiles: keyFiles === null ? null : {
          open: async (log) => (await import('./attach/key-files-mode.ts')).openKeyFiles(keyFiles, log),
          fault: async () => (await import('./attach/restart-due.ts')).keyFilesFault(keyFiles),
          outlook: async () => (await import('./attach/proof-certificate.ts')).proofOutlook(keyFiles.kubeconfig, new Date()),
          wipe: async (log) => (await import('./attach/key-files.ts')).wipeKeyFiles(keyFiles.folder, log),
        },
      }, await serverOutput());
    },
    signerEnroll: async (flags) => (await import('./signer/run.ts')).enrollSigner(flags, process.env),
    bootstrap: async (flags) => (await import('./admin/bootstrap.ts')).bootstrapStore(flags, process.env),
    resetOwner: async (flags) => (await import('./admin/bootstrap.ts')).resetStoreOwner(flags, process.env),
    examineConfig: async (flags) => (await import('./config/load-config.ts')).examineConfig(flags, process.env, new Date()),
  },
});

/**
 * Keeps compiled code beside the program, for a faster start. Only where both are this user's and nobody else can write: what is in
 * there is run as it is, and node's own place for it is in the folder for temporary files, where whoever comes first has it.
 */
function keepCompiledCode(): void {
  const [program, folder] = ['..', '../node_modules/.cache/mintmark'].map((path) => fileURLToPath(new URL(path, import.meta.url))) as [string, string];
  if (process.env['NODE_COMPILE_CACHE'] !== undefined || statSync(program).uid !== process.getuid?.()) return;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    if (uid !== process.getuid() || (mode & 0o077) !== 0) return;
  } catch {
    return;
  }
  // The thread of the public host finds it by this.
  process.env['NODE_COMPILE_CACHE'] = folder;
  enableCompileCache(folder);
}
