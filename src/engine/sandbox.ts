import { fstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox, SandboxRun } from '../build/ports.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { cgroupMode } from '../host/cgroup.ts';
import { readIfThere } from '../host/files.ts';
import type { OciMount, OciSpec } from '../host/oci-types.ts';
import { signalProcess } from '../host/processes.ts';
import { openRoot } from '../host/root-handle.ts';
import { readInRoot } from '../host/rooted.ts';
import type { SandboxState } from '../network/types.ts';
import { copyTree } from '../volumes/copy-tree.ts';
import { profileOf } from './apparmor.ts';
import type { EngineContext } from './context.ts';
import { defaultNetwork } from './create-network.ts';
import { blockDevice, resolveDevices } from './devices.ts';
import { stepHostsText } from './hosts-file.ts';
import { type LifeContext, withLife } from './life.ts';
import { type MountTarget, makeMountTargets } from './mount-targets.ts';
import { ociSpec } from './oci-spec.ts';
import { networkOf } from './namespaces.ts';
import { bundleDir, cgroupPath, type ManagedFile, managedFile } from './paths.ts';
import { checkMountPlaces } from './rootfs.ts';
import { writeSpec } from './spec-file.ts';
import { tearDown } from './tear-down.ts';
import { resolveStepUser } from './users.ts';

const SIGKILL = 9;
const hostname = 'buildkitsandbox';

/** Runs the steps of builds, confined as containers are. Everything a run made is gone when it settles. */
export function createSandbox(context: EngineContext): Sandbox {
  const own = withLife(context, async () => {});
  return { run: (request, onOutput, signal) => runStep(own, request, { onOutput, signal }) };
}

interface StepOptions {
  readonly onOutput: (stream: 'stdout' | 'stderr', data: Uint8Array) => void;
  readonly signal: AbortSignal | undefined;
}

async function runStep(context: LifeContext, request: SandboxRun, options: StepOptions): Promise<number> {
  if (options.signal?.aborted) throw interrupted();
  checkMountPlaces(request.rootfs);
  await fillVolumes(request);
  const removeTargets = makeMountTargets(request.rootfs, targetsOf(request));
  try {
    return await execute(context, request, options);
  } finally {
    await tearDown(context, request.id);
    removeTargets();
  }
}

async function fillVolumes({ rootfs, mounts }: SandboxRun): Promise<void> {
  for (const { target, source } of mounts.filter(({ isVolume }) => isVolume)) {
    const root = openRoot(rootfs);
    const found = root.open(target, { follow: true });
    try {
      if (found && !fstatSync(found.fd).isDirectory()) {
        throw new IechorError('BAD_REQUEST', `cannot mount volume over existing file, file exists ${target}`);
      }
      if (found) await copyTree(`${found.path}/.`, source);
    } finally {
      found?.close();
      root.close();
    }
  }
}

async function execute(context: LifeContext, request: SandboxRun, options: StepOptions): Promise<number> {
  const { id } = request;
  const bundle = bundleDir(context.roots, id);
  mkdirSync(bundle, { recursive: true, mode: 0o710 });
  const shared = request.network.startsWith('container:') ? networkOfOther(context, request.network) : undefined;
  const isolated = shared || request.network === 'none' || request.network === 'host';
  const network = isolated ? undefined : await networkUp(context, id, request.network);
  await context.life.apparmor.ready;
  writeSpec(context, bundle, specOf(context, request, { network, shared }));
  const { pid } = await context.monitor.create({
    id,
    bundle,
    logPath: join(bundle, 'log'),
    tty: false,
    openStdin: false,
    stdinOnce: false,
    // Output goes to the build's progress as it comes; the log is only the monitor's need.
    logSizeMax: 1024 * 1024,
  });
  const connection = await context.monitor.attach(id, { stdin: false });
  const abort = () => signalProcess(pid, SIGKILL);
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    await context.runtime.start(id);
    if (options.signal?.aborted) abort();
    for await (const { stream, data } of connection.output) {
      options.onOutput(stream === 'stderr' ? 'stderr' : 'stdout', data);
    }
    const { exitCode } = await context.monitor.awaitExit(id);
    if (options.signal?.aborted) throw interrupted();
    return exitCode;
  } finally {
    options.signal?.removeEventListener('abort', abort);
    connection.close();
  }
}

function networkUp(context: EngineContext, id: string, name: string): Promise<SandboxState> {
  return context.networks.up({
    containerId: id,
    containerName: '',
    endpoints: [{ network: name === 'default' ? defaultNetwork : context.networks.get(name).name, aliases: [] }],
    ports: [],
    dns: { servers: [], search: [], options: [] },
  });
}

function networkOfOther(context: EngineContext, mode: string): ReturnType<typeof networkOf> {
  try {
    return networkOf(context, mode);
  } catch (error) {
    if (codeOf(error) !== 'CONTAINER_NOT_FOUND') throw error;
    const message = `joining network namespace of container: ${messageOf(error)}`;
    throw new IechorError('CONTAINER_NOT_FOUND', message, { cause: error });
  }
}

interface StepNetwork {
  readonly network: SandboxState | undefined;
  readonly shared: ReturnType<typeof networkOf> | undefined;
}

function specOf(context: LifeContext, request: SandboxRun, { network, shared }: StepNetwork): OciSpec {
  const host = {
    Privileged: request.privileged ?? false,
    ...(shared && { NetworkMode: request.network }),
    ...(request.seesCgroups && cgroupMode() !== 'v2' && { CgroupnsMode: 'host' as const }),
    ...(request.ulimits && { Ulimits: [...request.ulimits] }),
    ...(request.shmSizeBytes === undefined ? {} : { ShmSize: request.shmSizeBytes }),
    ...(request.memoryBytes === undefined ? {} : { Memory: request.memoryBytes }),
  };
  const databases = {
    passwd: readInRoot(request.rootfs, '/etc/passwd'),
    group: readInRoot(request.rootfs, '/etc/group'),
  };
  return ociSpec({
    args: request.args,
    env: request.env,
    cwd: request.cwd,
    hostname: request.hostname ?? hostname,
    namesHost: false,
    domainname: '',
    tty: false,
    user: resolveStepUser(request.user, databases),
    host,
    architecture: context.life.facts.architecture,
    rootfs: request.rootfs,
    cgroupPath: cgroupPath(context.roots, request.id, request.cgroupParent),
    namespaces: {
      network:
        shared?.namespace ?? (request.network === 'host' ? 'host' : network?.netns ? { path: network.netns } : 'own'),
      pid: 'own',
      ipc: 'own',
      uts: 'own',
    },
    managed: undefined,
    mounts: [
      ...managedMounts(context, request, { network, shared }).filter(
        ({ destination }) => !isTaken(request, destination),
      ),
      ...request.mounts.map(stepMount),
    ],
    devices: resolveDevices(host),
    blockDevice,
    facts: context.life.facts,
    apparmor: profileOf(host, context.life.apparmor.standard),
    defaultPids: context.settings.defaultPidsLimit,
  });
}

const managedFiles = ['/etc/hosts', '/etc/resolv.conf'];

/** Whether the step mounts something of its own there. */
const isTaken = ({ mounts }: SandboxRun, path: string): boolean => mounts.some(({ target }) => target === path);

/** /etc/hosts and /etc/resolv.conf; their content is the machine's and must not get into the layer. */
function managedMounts(context: EngineContext, request: SandboxRun, { network, shared }: StepNetwork): OciMount[] {
  const bundle = bundleDir(context.roots, request.id);
  const ofOwner = (name: ManagedFile) => shared && readIfThere(managedFile(context.roots, shared.owner.id, name));
  const hosts =
    ofOwner('hosts') ??
    stepHostsText({
      hostname: request.hostname ?? hostname,
      extraHosts: request.extraHosts,
      hostGateway: context.networks.find(defaultNetwork)?.pools[0]?.gateway,
    });
  const resolv = ofOwner('resolv.conf') ?? network?.resolvConf ?? readIfThere('/etc/resolv.conf') ?? '';
  return [
    { name: 'hosts', text: hosts },
    { name: 'resolv.conf', text: resolv },
  ].map(({ name, text }) => {
    writeFileSync(join(bundle, name), text, { mode: 0o644 });
    return {
      destination: `/etc/${name}`,
      type: 'bind',
      source: join(bundle, name),
      options: ['bind', 'rprivate', 'ro'],
    };
  });
}

type StepMount = SandboxRun['mounts'][number];

function stepMount(mount: StepMount): OciMount {
  const access = mount.readOnly ? 'ro' : 'rw';
  if (mount.type === 'bind') {
    const options = ['rbind', 'rprivate', access, ...(mount.options ?? [])];
    return { destination: mount.target, type: 'bind', source: mount.source, options };
  }
  const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
  const mode = mount.mode === undefined ? [] : [`mode=${mount.mode.toString(8)}`];
  return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...size, ...mode, access] };
}

function targetsOf(request: SandboxRun): MountTarget[] {
  return [
    ...['/proc', '/sys', '/dev'].map((path) => ({ path, kind: 'directory' as const })),
    ...managedFiles.filter((path) => !isTaken(request, path)).map((path) => ({ path, kind: 'file' as const })),
    ...request.mounts
      .filter((mount) => !/^\/(dev|proc|sys)(\/|$)/.test(mount.target))
      .map((mount) => ({ path: mount.target, kind: kindOf(mount) })),
  ];
}

function kindOf(mount: StepMount): MountTarget['kind'] {
  return mount.type === 'tmpfs' || statSync(mount.source).isDirectory() ? 'directory' : 'file';
}

function interrupted(): IechorError {
  return new IechorError('INTERRUPTED', 'the build was interrupted');
}
