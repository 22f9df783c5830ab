import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineApi } from '../../../src/api/engine-api.ts';
import type { ContainerCreateBody } from '../../../src/api/types/container.ts';
import { createBuilder } from '../../../src/build/builder.ts';
import { IechorError } from '../../../src/common/error.ts';
import { createKeyedMutex } from '../../../src/common/keyed-mutex.ts';
import { createLog } from '../../../src/common/log.ts';
import { createContainers } from '../../../src/engine/containers.ts';
import type { EngineContext } from '../../../src/engine/context.ts';
import { usualDefaults } from '../../../src/engine/defaults.ts';
import { createEarlyAttach } from '../../../src/engine/early-attach.ts';
import { createEngine, type Engine } from '../../../src/engine/engine.ts';
import { createEvents } from '../../../src/engine/events.ts';
import { createExecs } from '../../../src/engine/exec-store.ts';
import { createSandbox } from '../../../src/engine/sandbox.ts';
import { createDetachedMounts } from '../../../src/host/detached-mounts.ts';
import { createExec } from '../../../src/host/exec-process.ts';
import { openMonitor } from '../../../src/host/monitor.ts';
import { mountsBelow, unmount } from '../../../src/host/mount.ts';
import { openRuntime } from '../../../src/host/oci-runtime.ts';
import { openStateDb } from '../../../src/host/state-db.ts';
import { createImageStore } from '../../../src/image/image-store.ts';
import { createSnapshotter } from '../../../src/image/overlay.ts';
import { packTree } from '../../../src/image/tar-diff.ts';
import { createNetworks } from '../../../src/network/networks.ts';
import { createVolumes } from '../../../src/volumes/volumes.ts';
import { staticBusybox } from '../../support/machine.ts';

export interface TestEngine {
  readonly engine: Engine;
  readonly context: EngineContext;
}

/** A data root of the test's own: engines come and go over it, as daemons do. */
export interface TestRoot {
  readonly dir: string;
  /** An engine over the root, recovered. */
  open(): Promise<TestEngine>;
  /** Ends the engine as a daemon ends: containers go on. */
  end(test: TestEngine): Promise<void>;
  /** Removes all containers, what was made in the kernel, and the files. */
  destroy(): Promise<void>;
}

export const isRoot = process.getuid?.() === 0;
const applets = `sh sleep cat id ls grep env pwd unshare hostname kill touch true false echo head ps wget nc nslookup
  mknod chmod wc tail sed awk df readlink mount stty find stat mkdir rm ln seq dd ping trap sync test`.split(/\s+/);

export function createTestRoot(dir = mkdtempSync(join(tmpdir(), 'iechor-life-'))): TestRoot {
  const scope = createHash('sha256').update(dir).digest('hex').slice(0, 8);
  const roots = { dataRoot: join(dir, 'data'), execRoot: join(dir, 'run'), scope };
  const opened: TestEngine[] = [];
  const end = async (test: TestEngine) => {
    opened.splice(opened.indexOf(test), 1);
    await test.engine.close();
    test.context.store.close();
  };
  const open = async () => {
    const test = await openEngine(roots);
    opened.push(test);
    return test;
  };
  return {
    dir,
    open,
    end,
    async destroy() {
      const test = opened.at(-1) ?? (await open());
      for (const { id } of test.context.containers.list())
        await test.engine.containerRemove({ id, force: true, v: true });
      for (const each of [...opened]) await end(each);
      for (const point of mountsBelow(dir)) unmount(point);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function openEngine(roots: EngineContext['roots']): Promise<TestEngine> {
  const { dataRoot, execRoot } = roots;
  mkdirSync(dataRoot, { recursive: true });
  mkdirSync(execRoot, { recursive: true });
  const log = createLog('warn');
  const store = openStateDb(join(dataRoot, 'state.db'));
  const preferred = process.env.IECHOR_TEST_RUNTIME;
  const runtime = await openRuntime({ root: join(execRoot, 'runtime'), log, ...(preferred && { preferred }) });
  const snapshotter = createSnapshotter({ dir: dataRoot });
  const context: EngineContext = {
    roots,
    log,
    store,
    runtime,
    snapshotter,
    settings: {
      defaults: usualDefaults,
      labels: [],
      stopTimeoutSeconds: 10,
      defaultPidsLimit: 4096,
      logDefault: {},
      cdiSpecDirs: [join(execRoot, 'cdi'), join(execRoot, 'cdi-later')],
      journalSocket: join(execRoot, 'journal'),
    },
    monitor: await openMonitor({ runtime, dir: join(execRoot, 'monitors'), log }),
    exec: createExec({ runtime, dir: join(execRoot, 'exec'), log }),
    events: createEvents(),
    detached: createDetachedMounts(),
    earlyAttach: createEarlyAttach(),
    execs: createExecs(),
    registry: async () => ({ sweep: () => 0 }) as unknown as Awaited<ReturnType<EngineContext['registry']>>,
    mutex: createKeyedMutex(),
    containers: createContainers(store),
    images: createImageStore({ store, snapshotter, roots, log }),
    networks: await createNetworks({ store, roots, log }),
    volumes: createVolumes({ store, dataRoot, log }),
  };
  const bases = {
    resolve: async (reference: string) => {
      const image = context.images.find(reference);
      if (!image) throw new IechorError('IMAGE_NOT_FOUND', `no image ${reference}`);
      return image;
    },
  };
  const builder = createBuilder({ ...context, sandbox: createSandbox(context), bases });
  const engine = createEngine(context, builder);
  await engine.recover();
  if (!context.images.find('busybox')) await importBusybox(context);
  return { engine, context };
}

/** `busybox:latest` from the machine's static busybox, with a user, a group and a volume directory. */
async function importBusybox(context: EngineContext): Promise<void> {
  const tree = mkdtempSync(join(tmpdir(), 'iechor-busybox-'));
  try {
    chmodSync(tree, 0o755);
    for (const path of ['bin', 'etc', 'tmp', 'root', 'home/app', 'data'])
      mkdirSync(join(tree, path), { recursive: true });
    cpSync(staticBusybox() ?? '', join(tree, 'bin/busybox'));
    for (const applet of applets) symlinkSync('busybox', join(tree, 'bin', applet));
    writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n');
    writeFileSync(join(tree, 'etc/group'), 'root:x:0:\napp:x:1000:\nextra:x:44:app\n');
    writeFileSync(join(tree, 'data/from-image'), 'image\n');
    const layer = await context.images.addLayer(packTree(tree));
    const image = await context.images.create(
      {
        architecture: 'amd64',
        os: 'linux',
        config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
        rootfs: { type: 'layers', diff_ids: [layer.diffId] },
      },
      [layer.chainId],
    );
    context.images.tag(image.id, 'docker.io/library/busybox:latest');
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** Creates and starts a container; returns its id. */
export async function start(engine: EngineApi, body: ContainerCreateBody, name?: string): Promise<string> {
  const { Id } = await engine.containerCreate({ body: { Image: 'busybox', ...body }, name });
  await engine.containerStart({ id: Id });
  return Id;
}

/** What a container has written, of both streams in one text as it came: pieces of a long line may have others between. */
export async function output(engine: EngineApi, id: string, only?: 'stdout' | 'stderr'): Promise<string> {
  let text = '';
  const streams = { stdout: only !== 'stderr', stderr: only !== 'stdout' };
  for await (const frame of engine.containerLogs({ id, ...streams })) {
    text += Buffer.from(frame.data).toString('utf8');
  }
  return text;
}

/** Runs a command to its end in a new container: its output and exit code. */
export async function run(
  engine: EngineApi,
  script: string,
  body: ContainerCreateBody = {},
): Promise<{ text: string; code: number }> {
  const { Id: id } = await engine.containerCreate({ body: { Image: 'busybox', Cmd: ['sh', '-c', script], ...body } });
  try {
    await engine.containerStart({ id });
    const { StatusCode } = await engine.containerWait({ id });
    return { text: await output(engine, id), code: StatusCode };
  } finally {
    await engine.containerRemove({ id, v: true });
  }
}

/** Awaits a condition, looking every 20 ms, for at most a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not true after a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
