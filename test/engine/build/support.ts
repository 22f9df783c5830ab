import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { BuildRequest } from '../../../src/build/build-context.ts';
import { type Builder, createBuilder } from '../../../src/build/builder.ts';
import type { BuildEvent } from '../../../src/build/events.ts';
import type { Sandbox } from '../../../src/build/ports.ts';
import { silentLog } from '../../../src/common/log.ts';
import { mountAt, mountsBelow, unmount } from '../../../src/host/mount.ts';
import { run } from '../../../src/host/spawn.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import type { ImageStore } from '../../../src/image/image-port.ts';
import { createImageStore } from '../../../src/image/image-store.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';
import type { Snapshotter } from '../../../src/image/snapshotter.ts';
import { packTree } from '../../../src/image/tar-diff.ts';
import type { ImageRecord } from '../../../src/image/types.ts';
import { chrootSandbox } from './chroot-sandbox.ts';

export interface Bench {
  readonly dir: string;
  readonly builder: Builder;
  readonly images: ImageStore;
  readonly snapshotter: Snapshotter;
  /** Builds `text` over the files of the context; throws the build's error. `look` sees events as they come. */
  build(
    text: string,
    request?: Partial<BuildRequest> & { files?: Record<string, string> },
    look?: (event: BuildEvent) => void,
  ): Promise<Outcome>;
  /** Output of a command over the image's root. */
  look(image: ImageRecord, command: string): Promise<string>;
  close(): Promise<void>;
}
export interface Outcome {
  readonly image: ImageRecord;
  readonly events: readonly BuildEvent[];
  /** Status of the steps that make layers, in order, with the reason of those that ran. */
  readonly steps: readonly string[];
}

const programs = [
  'sh',
  'cat',
  'ls',
  'mkdir',
  'rm',
  'ln',
  'touch',
  'chmod',
  'chown',
  'id',
  'stat',
  'sleep',
  'mv',
  'find',
  'sort',
];

/** A builder on real overlay snapshots in a directory of its own, and the image `base` with a shell. */
export async function openBench(sandbox: Sandbox = chrootSandbox): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), 'builder-'));
  const roots = { dataRoot: join(dir, 'data'), execRoot: join(dir, 'run'), scope: '00000000' };
  for (const path of [roots.dataRoot, roots.execRoot]) mkdirSync(path);
  const store = openStateDb(join(roots.dataRoot, 'state.db'));
  const snapshotter = createSnapshotter({ dir: roots.dataRoot });
  const images = createImageStore({ store, snapshotter, roots, log: silentLog });
  const bases = {
    resolve: async (reference: string) => {
      const { id, chain, config } = images.get(reference);
      return { id, chain, config };
    },
  };
  const registry = () => Promise.reject(new Error('no registry here'));
  const builder = createBuilder({ images, snapshotter, store, sandbox, bases, registry, roots, log: silentLog });
  await importBase(images, join(dir, 'base'));
  return {
    dir,
    builder,
    images,
    snapshotter,
    build: async (text, { files = {}, ...request } = {}, look = () => {}) => {
      const contextDir = mkdtempSync(join(dir, 'context-'));
      put(contextDir, { iEchorfile: text, ...files });
      const events: BuildEvent[] = [];
      for await (const event of builder.build({ contextDir, ...request })) {
        events.push(event);
        look(event);
      }
      return outcome(events, images);
    },
    look: (image, command) => lookInto(snapshotter, image, { command, dir }),
    close: async () => {
      await builder.cleanLeftovers();
      store.close();
      for (const path of mountsBelow(dir)) unmount(path);
      rmSync(dir, { recursive: true });
    },
  };
}

export function put(root: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

function outcome(events: readonly BuildEvent[], images: ImageStore): Outcome {
  const failure = events.find((event) => event.error !== undefined);
  if (failure) {
    const { reason, code } = failure.errorDetail ?? {};
    throw Object.assign(new Error(failure.error), { code: reason, exit: code, events });
  }
  const id = events.find((event) => event.aux)?.aux?.ID ?? '';
  const steps = events.flatMap(({ iechor }) => {
    if (iechor?.status === 'cached') return ['CACHED'];
    return iechor?.status === 'running' ? [iechor.reason ?? ''] : [];
  });
  return { image: images.get(id), events, steps };
}

async function lookInto(
  snapshotter: Snapshotter,
  image: ImageRecord,
  { command, dir }: { command: string; dir: string },
): Promise<string> {
  const root = mkdtempSync(join(dir, 'look-'));
  const top = image.chain.at(-1);
  if (top === undefined) return '';
  mountAt(snapshotter.view(top), root);
  try {
    return (await run('/bin/sh', ['-c', command], { cwd: root })).stdout.trim();
  } finally {
    unmount(root);
    rmSync(root, { recursive: true });
  }
}

/** The host's shell with the libraries it needs. */
async function importBase(images: ImageStore, root: string): Promise<void> {
  put(root, {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n',
    'etc/group': 'root:x:0:\napp:x:1000:\nstaff:x:50:\n',
  });
  for (const path of ['tmp', 'root', 'usr/bin', 'data/sub']) mkdirSync(join(root, path), { recursive: true });
  symlinkSync('usr/bin', join(root, 'bin'));
  const paths = (
    await run('/bin/sh', [
      '-c',
      `command -v ${programs.join(' ')}; for p in ${programs.join(' ')}; do command -v $p; done`,
    ])
  ).stdout;
  const files = [...new Set(paths.trim().split('\n'))];
  const libraries = (await run('/usr/bin/ldd', files, { okStatus: [0, 1] })).stdout.matchAll(/(\/\S+) \(0x/g);
  for (const file of files) copyFileSync(file, join(root, 'usr/bin', file.split('/').at(-1) ?? ''));
  for (const [, library = ''] of libraries) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  const { chainId, diffId } = await images.addLayer(packTree(root));
  const config = { Env: ['PATH=/usr/bin:/bin'], Cmd: ['sh'] };
  const rootfs = { type: 'layers' as const, diff_ids: [diffId] };
  const image = await images.create(
    { architecture: 'amd64', os: 'linux', created: '2020-01-01T00:00:00Z', config, rootfs },
    [chainId],
  );
  images.tag(image.id, 'base');
  rmSync(root, { recursive: true });
}

/** Mounts below a directory, as the kernel has them. */
export const mountsIn = (dir: string): number =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(dir)).length;
