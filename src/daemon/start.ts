import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonApi } from '../api/daemon-api.ts';
import type { Buildkit } from '../buildkit/buildkit.ts';
import { IechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { version } from '../common/version.ts';
import { lockDataRoot } from '../host/lock.ts';
import { keepPrograms } from '../host/own-program.ts';
import type { Assembled } from './assemble.ts';
import type { DaemonOptions } from './options.ts';
import { makeRoots } from './roots.ts';
import { createApiServer } from './server.ts';

/** Requests under way get so long to finish when the daemon stops. */
const graceMilliseconds = 10_000;

export interface Daemon {
  /** Stops once, whoever asks; resolves when everything is released. */
  stop(options: { force: boolean }): Promise<void>;
  readonly stopped: Promise<void>;
  /** Takes over what may change while it runs: what new containers get, labels, and the way to registries. */
  reload(options: DaemonOptions): void;
}

/**
 * Starts a daemon: lock, state, recovery, then the sockets. Throws NOT_ROOT, DAEMON_RUNNING, DAEMON_CONFIG and what
 * the parts throw; nothing is left behind then.
 */
export async function startDaemon(
  options: DaemonOptions,
  { log, logPath }: { readonly log: Log; readonly logPath: string },
): Promise<Daemon> {
  if (process.getuid?.() !== 0) {
    throw new IechorError('NOT_ROOT', 'the engine needs root to run containers', { hint: 'start it with sudo' });
  }
  const roots = makeRoots(options);
  const lock = await lockDataRoot(roots.dataRoot);
  let parts: Assembled | undefined;
  const prefix = 'unix://';
  const sockets = options.hosts.filter((host) => host.startsWith(prefix)).map((host) => host.slice(prefix.length));
  const ports = options.hosts.filter((host) => !host.startsWith(prefix));
  try {
    keepPrograms(join(roots.execRoot, 'programs'));
    const { assemble } = await import('./assemble.ts');
    parts = await assemble(options, { roots, log });
    const assembled = parts;
    const stopping = Promise.withResolvers<void>();
    const startedAt = new Date(performance.timeOrigin).toISOString();
    let readyMilliseconds = 0;
    const daemonApi: DaemonApi = {
      daemonStatus: async () => ({
        ...{ pid: process.pid, version, dataRoot: roots.dataRoot, execRoot: roots.execRoot, logPath, startedAt },
        hosts: [...options.hosts],
        uptimeSeconds: Math.floor(process.uptime()),
        readyMilliseconds,
        containersRunning: assembled.runningContainers(),
      }),
      daemonStop: async ({ force }) => {
        const containersRunning = assembled.runningContainers();
        // After the answer, which this request still has to get.
        setImmediate(() => void stop({ force: force === true }));
        return { containersRunning };
      },
    };
    const server = createApiServer({
      api: { ...assembled.engine, ...daemonApi },
      log,
      version,
      buildkit: lazyBuildkit(assembled.engine),
    });
    let stopped: Promise<void> | undefined;
    const stop = ({ force }: { force: boolean }): Promise<void> => {
      stopped ??= (async () => {
        await server.close(force ? 0 : graceMilliseconds);
        for (const socket of sockets) rmSync(socket, { force: true });
        await assembled.close();
        lock.release();
      })().finally(stopping.resolve);
      return stopped;
    };
    for (const socket of sockets) await server.listen(socket, options.group);
    for (const port of ports) if (options.tls) await server.listenTls(port, options.tls);
    readyMilliseconds = Math.round(performance.now());
    log.info('ready', { milliseconds: readyMilliseconds, hosts: options.hosts.join(' '), pid: process.pid });
    return { stop, stopped: stopping.promise, reload: assembled.reload };
  } catch (error) {
    await parts?.close().catch((failure) => log.error('closing failed', { error: messageOf(failure) }));
    lock.release();
    throw error;
  }
}

/** Made once, when it is first needed: HTTP/2 and gRPC take time to load, and most daemons never see such a client. */
function lazyBuildkit(engine: Assembled['engine']): () => Promise<Buildkit> {
  let made: Promise<Buildkit> | undefined;
  return () => {
    made ??= import('../buildkit/buildkit.ts').then(({ createBuildkit }) => createBuildkit(engine));
    return made;
  };
}
