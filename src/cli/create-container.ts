import { existsSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerCreateBody } from '../api/types/container.ts';
import { deliverFiles } from '../compose/run/deliver-files.ts';
import { apiSocket } from './api-socket.ts';
import { containerBody } from './container-body.ts';
import { refuseContentTrust } from './content-trust.ts';
import { ensureImage } from './ensure-image.ts';
import { type ContainerFlags, flagReader, usage } from './flag-reader.ts';
import type { Globals } from './globals.ts';
import { windowSize } from './window-size.ts';

export interface CreateOptions {
  readonly image: string;
  readonly command: readonly string[];
  readonly globals: Globals;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What `run` and `create` set besides the flags that describe the container. */
  readonly config: Partial<ContainerCreateBody>;
  readonly signal: AbortSignal;
}

const socketInside = '/var/run/docker.sock';
const loginsInside = '/run/secrets/docker';

/** What `run` and `create` do alike: the image, the container, its warnings, its id in a file. Gives the id. */
export async function createContainer(
  engine: EngineApi,
  flags: ContainerFlags,
  options: CreateOptions,
): Promise<string> {
  const { image, command, globals, environment, signal } = options;
  const { str, on } = flagReader(flags);
  const idFile = str('cidfile');
  checkFlags(flags);
  const body = withWindow({ ...containerBody(flags, { image, command }, environment), ...options.config });
  const socket = on('use-api-socket') ? await apiSocket(globals, environment) : undefined;
  const [policy = 'missing', platform] = [str('pull'), str('platform')];
  await ensureImage(engine, image, { policy, quiet: on('quiet'), platform, signal });
  const { Id, Warnings } = await engine.containerCreate({
    name: str('name'),
    platform,
    body: socket ? withSocket(body, socket.path) : body,
  });
  for (const warning of Warnings) process.stderr.write(`WARNING: ${warning}\n`);
  if (idFile !== undefined) writeFileSync(idFile, Id, { flag: 'wx' });
  if (socket) {
    const source = { content: socket.configuration };
    const file = { source, target: `${loginsInside}/config.json`, uid: 0, gid: 0, mode: 0o400 };
    await deliverFiles(engine, Id, { files: [file], environment, signal });
  }
  return Id;
}

/** The size that a terminal of the container has from its first moment: that of this window. */
function withWindow(body: ContainerCreateBody): ContainerCreateBody {
  const size = windowSize();
  return size ? { ...body, HostConfig: { ...body.HostConfig, ConsoleSize: size } } : body;
}

/** The engine's socket at Docker's place, and where its clients find the logins. */
function withSocket(body: ContainerCreateBody, path: string): ContainerCreateBody {
  const mount = { Type: 'bind', Source: path, Target: socketInside } as const;
  return {
    ...body,
    Env: [...(body.Env ?? []), `DOCKER_CONFIG=${loginsInside}`],
    HostConfig: { ...body.HostConfig, Mounts: [...(body.HostConfig?.Mounts ?? []), mount] },
  };
}

/** Throws USAGE for what the engine is not even asked. */
function checkFlags(flags: ContainerFlags): void {
  const { str, list, on } = flagReader(flags);
  const idFile = str('cidfile');
  if (idFile !== undefined && existsSync(idFile)) {
    const advice = `make sure the other container isn't running or delete ${idFile}`;
    usage(`container ID file found, ${advice}`, 'or name another file with --cidfile');
  }
  for (const address of list('dns')) {
    if (isIP(address) === 0) usage(`--dns: "${address}" is no IP address`, 'write e.g. --dns 192.0.2.53');
  }
  refuseContentTrust(on('disable-content-trust'));
  if (str('kernel-memory') !== undefined) {
    process.stderr.write('WARNING: --kernel-memory has no effect: kernels have no such limit any more\n');
  }
}
