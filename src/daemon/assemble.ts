import { hostname } from 'node:os';
import { join } from 'node:path';
import { createBuilder } from '../build/builder.ts';
import { createKeyedMutex } from '../common/keyed-mutex.ts';
import type { Log } from '../common/log.ts';
import type { ObjectStore } from '../common/object-store.ts';
import type { Roots } from '../common/roots.ts';
import { createContainers } from '../engine/containers.ts';
import type { EngineContext } from '../engine/context.ts';
import { createEarlyAttach } from '../engine/early-attach.ts';
import { createEngine, type Engine } from '../engine/engine.ts';
import { createEvents } from '../engine/events.ts';
import { createExecs } from '../engine/exec-store.ts';
import { createSandbox } from '../engine/sandbox.ts';
import { trustPolicyOf } from '../engine/trust.ts';
import { createDetachedMounts } from '../host/detached-mounts.ts';
import { createExec } from '../host/exec-process.ts';
import { openMonitor } from '../host/monitor.ts';
import { openRuntime } from '../host/oci-runtime.ts';
import { openStateDb } from '../host/state-db.ts';
import type { ImageStore } from '../image/image-port.ts';
import { createImageStore } from '../image/image-store.ts';
import { createSnapshotter } from '../image/overlay.ts';
import { setDefaultRegistry } from '../image/reference.ts';
import { createNetworks } from '../network/networks.ts';
import type { Registry } from '../registry/registry.ts';
import { registrySettings } from '../registry/settings.ts';
import { createVolumes } from '../volumes/volumes.ts';
import { createBaseImages } from './base-images.ts';
import type { DaemonOptions } from './options.ts';

/** The parts of a daemon, put together. */
export interface Assembled {
  readonly engine: Engine;
  runningContainers(): number;
  reload(options: DaemonOptions): void;
  /** Lets go of everything; what nothing needs any longer is removed. */
  close(): Promise<void>;
}

/** Puts the engine together over a data root that this process has locked, and finishes what the last one began. */
export async function assemble(options: DaemonOptions, { roots, log }: { roots: Roots; log: Log }): Promise<Assembled> {
  setDefaultRegistry(options.defaultRegistry ?? process.env.IECHOR_DEFAULT_REGISTRY);
  const store = openStateDb(join(roots.dataRoot, 'state.db'));
  try {
    const [host, networks] = await Promise.all([
      openHost(options, { roots, log }),
      createNetworks({ store, roots, log, defaults: options.networks }),
    ]);
    const snapshotter = createSnapshotter({ dir: roots.dataRoot });
    const images = createImageStore({ store, snapshotter, roots, log });
    const volumes = createVolumes({ store, dataRoot: roots.dataRoot, log });
    const containers = createContainers(store);
    const { registry, renew } = lazyRegistry(options, { images, store, roots, log });
    const settings = settingsOf(options);
    const context: EngineContext = {
      ...{ roots, log, store, containers, images, registry, snapshotter, networks, volumes, ...host },
      settings,
      events: createEvents(),
      detached: createDetachedMounts(),
      earlyAttach: createEarlyAttach(),
      execs: createExecs(),
      mutex: createKeyedMutex(),
    };
    const sandbox = createSandbox(context);
    const bases = createBaseImages({ images, registry });
    const builder = createBuilder({ images, snapshotter, store, sandbox, bases, registry, roots, log });
    const engine = createEngine(context, builder);
    await engine.recover();
    const runningContainers = () => containers.list().filter(({ pid }) => pid !== 0).length;
    const close = async () => {
      const inUse = containers.list().some(({ pid, status }) => pid !== 0 || status === 'restarting');
      await engine.close();
      volumes.close({ removeAll: !inUse });
      store.close();
    };
    const reload = (changed: DaemonOptions) => {
      Object.assign(settings, settingsOf(changed));
      renew(changed);
      const attributes = { name: hostname() };
      context.events.publish({ type: 'daemon', action: 'reload', id: roots.scope || 'default', attributes });
    };
    return { engine, runningContainers, reload, close };
  } catch (error) {
    store.close();
    throw error;
  }
}

const settingsOf = (options: DaemonOptions): EngineContext['settings'] => ({
  stopTimeoutSeconds: 10,
  logDefault: options.logDefault,
  cdiSpecDirs: options.cdiSpecDirs,
  journalSocket: '/run/systemd/journal/socket',
  defaultPidsLimit: options.defaultPidsLimit,
  defaults: options.containers,
  labels: options.labels,
});

async function openHost(options: DaemonOptions, { roots, log }: { roots: Roots; log: Log }) {
  const preferred = options.defaultRuntime;
  const root = join(roots.execRoot, 'runtime');
  const runtime = await openRuntime({ root, log, ...(preferred && { preferred }) });
  const monitor = await openMonitor({ runtime, dir: join(roots.execRoot, 'monitors'), log });
  return { runtime, monitor, exec: createExec({ runtime, dir: join(roots.execRoot, 'exec'), log }) };
}

/** The part for registries takes time to load, and many daemons never need it. */
function lazyRegistry(
  options: DaemonOptions,
  parts: { readonly images: ImageStore; readonly store: ObjectStore; readonly roots: Roots; readonly log: Log },
): { registry: () => Promise<Registry>; renew(options: DaemonOptions): void } {
  let made: Promise<Registry> | undefined;
  let current = options;
  const make = async () => {
    const { createRegistry } = await import('../registry/registry.ts');
    const settings = registrySettings(current.registry, process.env);
    return createRegistry({ ...parts, dataRoot: parts.roots.dataRoot, settings, policy: () => trustPolicyOf(parts) });
  };
  return {
    registry: () => {
      made ??= make();
      return made;
    },
    renew: (changed) => {
      current = changed;
      made = undefined;
    },
  };
}
