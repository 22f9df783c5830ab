import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import { codeOf, IechorError, isIechorError, messageOf } from '../common/error.ts';
import { lettingGo } from '../common/object-store.ts';
import type { OciSpec } from '../host/oci-types.ts';
import { ensureDirInRoot, readInRoot, resolveInRoot } from '../host/rooted.ts';
import type { SandboxState } from '../network/types.ts';
import { checkProfile, profileOf } from './apparmor.ts';
import { applyEdits } from './cdi/apply-edits.ts';
import { cdiEdits } from './cdi/cdi-devices.ts';
import { inDockersWords } from './command-error.ts';
import type { ContainerRecord } from './container-record.ts';
import { coversRoot } from './create-mounts.ts';
import { type NetworkKind, networkKind } from './create-network.ts';
import { hostOf } from './defaults.ts';
import { blockDevice, resolveDevices } from './devices.ts';
import { initialHealth } from './health.ts';
import { withHostname } from './hostname.ts';
import type { LifeContext } from './life.ts';
import { linksInFiles, refreshLinked } from './links.ts';
import { linkEnv, linkNames } from './live-links.ts';
import { reachLogServer } from './logging/forwards.ts';
import { keepsLog, logLimits } from './logging/log-config.ts';
import { writeManagedFiles } from './managed-files.ts';
import { resolveNamespaces } from './namespaces.ts';
import { publishAttachments, publishContainer } from './notify.ts';
import { ociSpec } from './oci-spec.ts';
import { bundleDir, cgroupPath, containerDir, logPath } from './paths.ts';
import { choosePorts } from './ports.ts';
import { removeLocked } from './remove.ts';
import { checkMountPlaces, mountRootfs } from './rootfs.ts';
import { writeSpec } from './spec-file.ts';
import { startMounts } from './start-mounts.ts';
import { supervise } from './supervise.ts';
import { tearDown } from './tear-down.ts';
import { resolveUser } from './users.ts';

/** Starts a container. Idempotent for one that runs; WRONG_STATE for one that is paused or being removed. */
export async function startContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerStart']>[0],
): Promise<void> {
  const { id } = context.containers.get(request.id);
  await context.mutex.run(id, async () => {
    const record = context.containers.get(id);
    if (record.status === 'running') return;
    if (record.status === 'paused') {
      throw wrongState('cannot start a paused container, try unpause instead');
    }
    if (record.status === 'removing' || record.status === 'dead') {
      throw wrongState('container is marked for removal and cannot be started');
    }
    clearTimeout(context.life.restarts.get(id));
    context.life.restarts.delete(id);
    context.life.delays.delete(id);
    await startLocked(context, id, { restartCount: 0, asked: true });
  });
  // Whether it ran decides whether it is started again with the machine.
  await context.store.durable();
}

/** The start itself, by a caller that holds the container's mutex. Nothing is left behind when it throws. */
export async function startLocked(
  context: LifeContext,
  id: string,
  options: { readonly restartCount: number; readonly asked?: boolean },
): Promise<void> {
  const record = context.containers.note(id, {
    status: 'starting',
    stoppedByUser: false,
    error: '',
    oomKilled: false,
    restartCount: options.restartCount,
  });
  try {
    // One that is started again by itself, or with the machine, may be up before who takes its log.
    if (options.asked) await reachLogServer(context, record);
    const { pid, network, hasHooks } = await bringUp(context, record);
    await context.earlyAttach.connect(id);
    await context.runtime.start(id, { hasHooks });
    const running = context.containers.note(id, {
      status: 'running',
      pid,
      exitCode: 0,
      startedAt: new Date().toISOString(),
      boundPorts: network?.ports ?? [],
      ...healthOf(record),
    });
    publishAttachments(context, running, 'up');
    publishContainer(context, running, 'start');
    supervise(context, running);
    // Nobody that runs is linked to a container that never ran.
    if (record.startedAt !== '') refreshLinked(context, running);
  } catch (cause) {
    const error = inDockersWords(cause, record.path);
    await failed(context, record, error);
    throw error;
  }
}

function healthOf(record: ContainerRecord): Pick<ContainerRecord, 'health'> {
  const health = initialHealth(record);
  return health ? { health } : {};
}

/** Everything up to the held process: root, network, files, mounts, specification, monitor. */
async function bringUp(
  context: LifeContext,
  record: ContainerRecord,
): Promise<{ pid: number; network: SandboxState | undefined; hasHooks: boolean }> {
  const { id } = record;
  const kind = networkKind(record.body.HostConfig, record.config);
  const ports = await networking(() => choosePorts(context, record));
  mkdirSync(containerDir(context.roots, id), { recursive: true, mode: 0o710 });
  await context.snapshotter.prepare(id, record.chain.at(-1));
  const rootfs = await mountRootfs(context, id);
  checkMountPlaces(rootfs);
  const network = kind === 'networks' ? await networking(() => networkUp(context, record, ports)) : undefined;
  const spec = await specOf(context, record, { rootfs, kind, network });
  writeSpec(context, bundleDir(context.roots, id), spec);
  const { Tty, OpenStdin, StdinOnce } = record.config;
  const { sizeBytes } = logLimits(record.body.HostConfig);
  const { pid } = await context.monitor.create({
    id,
    bundle: bundleDir(context.roots, id),
    logPath: keepsLog(record) ? logPath(context.roots, id) : '',
    tty: Tty ?? false,
    openStdin: OpenStdin ?? false,
    stdinOnce: StdinOnce ?? false,
    // The rotation keeps to the limit; this bounds what a flood can write between two looks at it.
    logSizeMax: sizeBytes * 4,
  });
  return { pid, network, hasHooks: spec.hooks !== undefined };
}

/** Says of an error what it came of, in Docker's words. */
async function networking<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    if (!isIechorError(cause)) throw cause;
    const { code, message, hint } = cause;
    throw new IechorError(code, `failed to set up container networking: ${message}`, { hint, cause });
  }
}

function networkUp(
  context: LifeContext,
  record: ContainerRecord,
  ports: ContainerRecord['ports'],
): Promise<SandboxState> {
  const host = hostOf(context, record);
  const names = linkNames(record.links ?? []);
  return context.networks.up({
    containerId: record.id,
    containerName: record.name,
    endpoints: record.endpoints
      .map((each) => withHostname(record, each))
      .map((endpoint, index) =>
        index === 0 && record.links?.length ? { ...endpoint, links: { ...endpoint.links, ...names } } : endpoint,
      ),
    ports,
    ...(host.Sysctls?.['net.ipv6.conf.all.disable_ipv6'] === '1' ? { withoutIPv6: true } : {}),
    ...(ports.some(({ group }) => group !== undefined) ? { serving: 'waiting' } : {}),
    dns: { servers: host.Dns ?? [], search: host.DnsSearch ?? [], options: host.DnsOptions ?? [] },
  });
}

async function specOf(
  context: LifeContext,
  record: ContainerRecord,
  made: { readonly rootfs: string; readonly kind: NetworkKind; readonly network: SandboxState | undefined },
): Promise<OciSpec> {
  const host = hostOf(context, record);
  const links = linksInFiles(context, record);
  const namespaces = resolveNamespaces(context, record, made.network?.netns);
  const managed = writeManagedFiles(context, record, { ...made, hostname: namespaces.hostname, links });
  if (Object.keys(record.config.Volumes ?? {}).some(coversRoot)) {
    throw new IechorError('MOUNT_INVALID', "invalid specification: destination can't be '/'", {
      hint: 'the image declares its root directory to be a volume; build one that does not',
    });
  }
  const mounts = await startMounts(context, record, made.rootfs);
  ensureWorkingDir(made.rootfs, record.workingDir);
  const databases = {
    passwd: readInRoot(made.rootfs, '/etc/passwd') ?? '',
    group: readInRoot(made.rootfs, '/etc/group') ?? '',
  };
  const init = host.Init ? findInit() : undefined;
  await context.life.apparmor.ready;
  const apparmor = profileOf(host, context.life.apparmor.standard);
  checkProfile(apparmor);
  const added = await cdiEdits(host.DeviceRequests ?? [], {
    directories: context.settings.cdiSpecDirs,
    log: context.log,
  });
  const spec = ociSpec({
    args: [record.path, ...record.args],
    env: [...linkEnv(record, links), ...record.env],
    cwd: record.workingDir,
    ...namespaces,
    domainname: record.config.Domainname ?? '',
    tty: record.config.Tty ?? false,
    user: resolveUser(record.user, databases, host.GroupAdd ?? []),
    host,
    architecture: record.architecture,
    rootfs: made.rootfs,
    cgroupPath: cgroupPath(context.roots, record.id, host.CgroupParent),
    managed,
    mounts,
    devices: resolveDevices(host),
    blockDevice,
    ...(init ? { init } : {}),
    facts: context.life.facts,
    apparmor,
    defaultPids: context.settings.defaultPidsLimit,
  });
  return applyEdits(spec, added);
}

function ensureWorkingDir(rootfs: string, path: string): void {
  if (path === '/') return;
  try {
    ensureDirInRoot(rootfs, path);
  } catch (error) {
    throw new IechorError(
      'CONTAINER_START_FAILED',
      `the working directory ${path} cannot be made: ${messageOf(error)}`,
      {
        hint: 'something in the image that is no directory stands in its way',
        cause: error,
      },
    );
  }
  if (statSync(resolveInRoot(rootfs, path) ?? rootfs).isDirectory()) return;
  throw new IechorError('CONTAINER_START_FAILED', `Cannot mkdir: ${path} is not a directory`);
}

const inits = [
  '/usr/bin/tini-static',
  '/usr/bin/docker-init',
  '/usr/libexec/catatonit/catatonit',
  '/usr/bin/catatonit',
];

function findInit(): string {
  const found = inits.find((path) => existsSync(path) && lstatSync(path).isFile());
  if (found) return found;
  throw new IechorError('HOST_UNSUPPORTED', 'no static init is installed for --init', {
    hint: 'install one: apt-get install tini (it brings /usr/bin/tini-static), or catatonit',
  });
}

/** Takes everything back and says on the record what was wrong, with the exit codes shells use. */
async function failed(context: LifeContext, before: ContainerRecord, error: unknown): Promise<void> {
  const code = codeOf(error);
  context.earlyAttach.cancel(before.id);
  await tearDown(context, before.id);
  context.containers.note(
    before.id,
    {
      status: before.startedAt === '' ? 'created' : 'exited',
      pid: 0,
      boundPorts: [],
      exitCode: code === 'COMMAND_NOT_FOUND' ? 127 : code === 'COMMAND_NOT_EXECUTABLE' ? 126 : 128,
      error: messageOf(error),
    },
    lettingGo,
  );
  // Whoever waits for the removal of a container that removes itself must not wait for ever (Docker does the same).
  if (before.body.HostConfig?.AutoRemove) await removeLocked(context, before.id, { volumes: true });
}

function wrongState(message: string): IechorError {
  return new IechorError('WRONG_STATE', message);
}
