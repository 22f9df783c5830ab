import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../../src/common/log.ts';
import { processesOf, removeCgroup } from '../../../src/host/cgroup.ts';
import { removeTree } from '../../../src/host/files.ts';
import { openMonitor } from '../../../src/host/monitor.ts';
import { openRuntime } from '../../../src/host/oci-runtime.ts';
import type { OciProcess, OciSpec } from '../../../src/host/oci-types.ts';
import type { Monitor, MonitorConnection, MonitorRequest, OciRuntime } from '../../../src/host/runtime-port.ts';

const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
const missing = [
  process.getuid?.() === 0 ? undefined : 'root',
  busybox ? undefined : 'a static busybox (Debian: busybox-static)',
  ['/usr/bin/conmon', '/usr/local/bin/conmon'].some((path) => existsSync(path)) ? undefined : 'conmon',
].filter((each) => each !== undefined);

/** Why tests with containers cannot run here; undefined where they can. */
export const skipReason = missing.length === 0 ? undefined : `needs ${missing.join(', ')}`;

/** A place where real containers run over a root file system that is one busybox. */
export interface TinyHost {
  readonly dir: string;
  readonly runtime: OciRuntime;
  readonly monitor: Monitor;
  /** The monitor as a daemon sees it that was started anew. */
  reopen(): Promise<Monitor>;
  spec(args: readonly string[], change?: (spec: OciSpec) => void): OciSpec;
  /** Creates a container; `start` it with the runtime. Everything is removed by `close`. */
  create(
    spec: OciSpec,
    request?: Partial<MonitorRequest>,
  ): Promise<{ id: string; logPath: string; cgroup: string; pid: number; monitorPid: number }>;
  close(): Promise<void>;
}

export async function openTinyHost(preferred?: string): Promise<TinyHost> {
  // Paths of sockets in it are longer than the 107 bytes an address may have.
  const dir = mkdtempSync(join(tmpdir(), `iechor-host-${'long-'.repeat(20)}`));
  const parent = `/iechor-t${randomBytes(4).toString('hex')}`;
  const rootfs = join(dir, 'rootfs');
  for (const each of ['bin', 'proc', 'dev', 'tmp']) mkdirSync(join(rootfs, each), { recursive: true });
  copyFileSync(busybox ?? '', join(rootfs, 'bin/busybox'));
  for (const each of ['sh', 'sleep', 'cat', 'echo', 'stty', 'seq', 'dd', 'head', 'tty'])
    symlinkSync('busybox', join(rootfs, 'bin', each));
  writeFileSync(join(rootfs, 'bin/broken'), 'no program', { mode: 0o755 });
  writeFileSync(join(rootfs, 'bin/plain'), '#!/bin/sh\n', { mode: 0o644 });
  const log = createLog('warn');
  const runtime = await openRuntime({ root: join(dir, 'runtime'), log, ...(preferred !== undefined && { preferred }) });
  const monitorOptions = { runtime, dir: join(dir, 'monitor'), log };
  const monitor = await openMonitor(monitorOptions);
  const ids: string[] = [];
  return {
    dir,
    runtime,
    monitor,
    reopen: () => openMonitor(monitorOptions),
    spec: (args, change = () => {}) => {
      const spec = tinySpec(rootfs, args);
      change(spec);
      return spec;
    },
    async create(spec, request = {}) {
      const id = randomBytes(32).toString('hex');
      const bundle = join(dir, 'bundles', id);
      mkdirSync(bundle, { recursive: true });
      spec.linux.cgroupsPath = `${parent}/${id}`;
      spec.process.terminal = request.tty ?? false;
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
      const logPath = join(bundle, 'log');
      ids.push(id);
      const defaults = { tty: false, openStdin: false, stdinOnce: false };
      const started = await monitor.create({ id, bundle, logPath, ...defaults, ...request });
      return { id, logPath, cgroup: `${parent}/${id}`, ...started };
    },
    async close() {
      for (const id of ids) {
        await runtime.delete(id);
        await monitor.awaitExit(id);
        monitor.forget(id);
      }
      if (processesOf(parent).length > 0) throw new Error(`processes left in ${parent}`);
      removeCgroup(parent);
      removeTree(dir);
    },
  };
}

export function tinyProcess(args: readonly string[], change: Partial<OciProcess> = {}): OciProcess {
  return { user: { uid: 0, gid: 0 }, args: [...args], env: ['PATH=/bin', 'TERM=xterm'], cwd: '/', ...change };
}

function tinySpec(rootfs: string, args: readonly string[]): OciSpec {
  return {
    ociVersion: '1.0.2',
    process: tinyProcess(args),
    root: { path: rootfs },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
    ],
    linux: { namespaces: (['pid', 'mount', 'ipc', 'uts', 'network'] as const).map((type) => ({ type })) },
  };
}

/** Reads a connection until `enough` says so, or to its end. */
export async function readUntil(
  connection: MonitorConnection,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  let text = '';
  for await (const { data } of connection.output) {
    text += Buffer.from(data).toString();
    if (enough(text)) break;
  }
  return text;
}

/** Streams and texts of a log in conmon's format. */
export function logLines(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').slice(1).join(' '));
}
