/**
 * The one container of a pod, as far as a process can be it: the variables of its manifest, its volumes at the very paths that
 * the manifest has (in a mount namespace of its own, which takes Linux), and the token in its file as the kubelet puts it there.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { DevHome, Running } from './dev-server.ts';

const TMPFS = ['mount', '-t', 'tmpfs', 'tmpfs', '/var/run'];
/** As root, and otherwise as one who is root in a namespace of users. */
const UNSHARE = [['--mount'], ['--map-root-user', '--mount']].find((flags) => spawnSync('unshare', [...flags, ...TMPFS], { stdio: 'ignore' }).status === 0);

/** Why pods can not be imitated here; false where they can. */
export const NO_PODS = UNSHARE === undefined ? 'mount namespaces of Linux are needed (unshare of util-linux)' : false;

/** An empty /var/run, in it the volumes: pairs of path and folder; behind `--` the program, which takes the place of the shell. */
const CONTAINER = `${TMPFS.join(' ')}; while [ "$1" != -- ]; do mkdir -p "$1"; mount --bind "$2" "$1"; shift 2; done; shift; exec "$@"`;

interface ProjectedToken {
  readonly path: string;
  readonly expirationSeconds: number;
  readonly audience: string;
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly projected?: { readonly sources: readonly [{ readonly serviceAccountToken: ProjectedToken }] };
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly [{ readonly env: readonly { readonly name: string; readonly value: string }[]; readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[] }];
    readonly volumes: readonly Volume[];
  };
}

export class Pod {
  readonly subject: string;
  readonly token: ProjectedToken;
  readonly #home: DevHome;
  readonly #manifest: Manifest['spec'];
  readonly #folder: string;
  readonly #tokens: string;
  #writes = 0;

  private constructor(home: DevHome, { metadata, spec }: Manifest, folder: string) {
    const volume = spec.volumes.find(({ projected }) => projected !== undefined);
    [this.#home, this.#manifest, this.#folder, this.#tokens] = [home, spec, folder, join(folder, volume!.name)];
    this.token = volume!.projected!.sources[0].serviceAccountToken;
    this.subject = `system:serviceaccount:${metadata.namespace}:${spec.serviceAccountName}`;
  }

  /** `configMap`: the files of the one that its volumes name. Without a token in its file yet. */
  static async of(home: DevHome, yaml: string, configMap: Readonly<Record<string, string>>): Promise<Pod> {
    const manifest = parseAllDocuments(yaml).map((document) => document.toJS() as Manifest).find(({ kind }) => kind === 'Pod')!;
    const pod = new Pod(home, manifest, await mkdtemp(join(home.dir, 'pod-')));
    for (const volume of manifest.spec.volumes) {
      await mkdir(join(pod.#folder, volume.name));
      if (volume.configMap !== undefined) for (const [file, text] of Object.entries(configMap)) await writeFile(join(pod.#folder, volume.name, file), text);
    }
    return pod;
  }

  /** As the kubelet does (its AtomicWriter): a new folder, to which the link `..data` is turned in one step; the file is a link through it. */
  async write(token: string): Promise<void> {
    const path = (name: string): string => join(this.#tokens, name);
    const folder = `..${(this.#writes += 1)}`;
    await mkdir(dirname(path(join(folder, this.token.path))), { recursive: true });
    await writeFile(path(join(folder, this.token.path)), token, { mode: 0o644 });
    await symlink(folder, path('..data_tmp'));
    await rename(path('..data_tmp'), path('..data'));
    const [visible] = this.token.path.split('/');
    if (this.#writes === 1) await symlink(`..data/${visible}`, path(visible!));
    for (const name of await readdir(this.#tokens)) if (/^\.\.\d+$/.test(name) && name !== folder) await rm(path(name), { recursive: true });
  }

  /** Starts its program. `more`: variables beside those of the manifest. */
  start(program: readonly string[], more: Readonly<Record<string, string>>): Running {
    const [{ env, volumeMounts }] = this.#manifest.containers;
    const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const mounts = volumeMounts.flatMap(({ name, mountPath }) => [mountPath, join(this.#folder, name)]);
    return this.#home.run('unshare', [...UNSHARE!, '/bin/sh', '-ec', CONTAINER, 'sh', ...mounts, '--', ...program], { env: { PATH: process.env['PATH'], ...variables, ...more } });
  }
}
