import { closeSync, constants, existsSync, type FSWatcher, mkdirSync, openSync, watch, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { Log } from '../common/log.ts';
import { type AttachHub, openAttachHub } from './attach-hub.ts';
import { createExitWatch } from './exit-watch.ts';
import { closeAll, pipe } from './fds.ts';
import { readIfThere } from './files.ts';
import {
  endsWithFirstClient,
  forgetFiles,
  isRunning,
  type MonitorFiles,
  type MonitorRecord,
  monitorFiles,
  prepareFiles,
  readExit,
  readRecord,
  writeRecord,
} from './monitor-files.ts';
import { type Child, signalProcess, spawnProcessLater } from './processes.ts';
import type { Monitor, MonitorRequest, MonitorStarted, OciRuntime } from './runtime-port.ts';
import { findProgram } from './runtime-probe.ts';
import { startError } from './start-errors.ts';

/** Descriptor of the pipe on which conmon tells how the creation went. */
const syncPipeFd = 3;
const SIGKILL = 9;

/** conmon as the monitor of each container; its files are below `dir`. Throws HOST_UNSUPPORTED where it is missing. */
export async function openMonitor(options: { runtime: OciRuntime; dir: string; log: Log }): Promise<Monitor> {
  const { runtime, dir, log } = options;
  const conmon = findProgram('conmon');
  if (conmon === undefined) {
    throw new IechorError('HOST_UNSUPPORTED', 'conmon, which holds the streams of containers, is not installed', {
      hint: 'install it: apt-get install conmon',
    });
  }
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const exits = createExitWatch();
  const hubs = new Map<string, AttachHub>();
  const filesOf = (id: string) => monitorFiles(dir, id);

  return {
    async create(request) {
      const files = filesOf(request.id);
      prepareFiles(files);
      hubs.delete(request.id);
      try {
        const started = await startConmon(conmon, { runtime, files, request });
        writeRecord(files, started, request);
        log.debug('container created', { container: request.id, pid: started.pid, monitor: started.monitorPid });
        return started;
      } catch (error) {
        await runtime.delete(request.id);
        forgetFiles(files);
        throw error;
      }
    },
    awaitExit: (id, signal) => exits.await(id, filesOf(id), signal),
    onMemoryOut(id, listener, signal) {
      const { dir, oomFile } = filesOf(id);
      const look = () => {
        if (watcher === undefined || !existsSync(oomFile)) return;
        watcher.close();
        watcher = undefined;
        listener();
      };
      let watcher: FSWatcher | undefined = watch(dir, { persistent: false, signal }, look);
      // The directory goes with the container.
      watcher.on('error', () => {});
      look();
    },
    exitOf: (id) => readExit(filesOf(id)),
    adopt(id) {
      const record = readRecord(filesOf(id), id);
      if (!record || !isRunning(record.monitorPid, record.monitorStartTicks)) return undefined;
      return isRunning(record.pid, record.startTicks) ? { pid: record.pid, monitorPid: record.monitorPid } : undefined;
    },
    async attach(id, connection = { stdin: true }) {
      const hub = hubs.get(id) ?? openHub(id, recordOf(filesOf(id), id), () => hubs.get(id) === hub && hubs.delete(id));
      hubs.set(id, hub);
      return hub.connect(connection);
    },
    resize: async (id, rows, columns) => control(recordOf(filesOf(id), id), `1 ${rows} ${columns}\n`),
    async reopenLog(id) {
      const record = recordOf(filesOf(id), id);
      control(record, '2 0 0\n');
      await appeared(record.logPath);
    },
    release(id) {
      const record = readRecord(filesOf(id), id);
      if (!record || isRunning(record.pid, record.startTicks)) return false;
      return isRunning(record.monitorPid, record.monitorStartTicks) && signalProcess(record.monitorPid, SIGKILL);
    },
    forget(id) {
      hubs.delete(id);
      forgetFiles(filesOf(id));
    },
  };
}

function recordOf(files: MonitorFiles, id: string): MonitorRecord {
  const record = readRecord(files, id);
  if (!record || !isRunning(record.monitorPid, record.monitorStartTicks)) throw notRunning(id);
  return record;
}

function notRunning(id: string, cause?: unknown): IechorError {
  return new IechorError('WRONG_STATE', `container ${id.slice(0, 12)} is not running`, { cause });
}

function openHub(id: string, record: MonitorRecord, onEnd: () => void): AttachHub {
  try {
    return openAttachHub(join(record.bundle, 'attach'), { ...record, onEnd });
  } catch (error) {
    // The monitor may be on its way out.
    if (codeOf(error) === 'HOST_SYSCALL_FAILED' || codeOf(error) === 'ENOENT') throw notRunning(id, error);
    throw error;
  }
}

/** One line on conmon's control pipe: `1 ROWS COLUMNS` resizes, `2 0 0` reopens the log. */
function control(record: MonitorRecord, line: string): void {
  const fd = openSync(join(record.bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
}

/** conmon answers nothing: that it has opened its log anew shows in the file. A stuck one is not waited for. */
async function appeared(path: string): Promise<void> {
  for (let attempt = 0; attempt < 2000 && !existsSync(path); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface StartOptions {
  readonly runtime: OciRuntime;
  readonly files: MonitorFiles;
  readonly request: MonitorRequest;
}

/** conmon's first process ends at once; the one it leaves reports the container's pid, or why there is none. */
async function startConmon(conmon: string, options: StartOptions): Promise<MonitorStarted> {
  const { files, request } = options;
  const sync = pipe();
  const others: number[] = [];
  let child: Child;
  try {
    const nothing = openSync('/dev/null', constants.O_RDWR);
    others.push(nothing);
    const errors = openSync(join(files.dir, 'monitor.log'), 'w', 0o600);
    others.push(errors);
    child = await spawnProcessLater({
      command: conmon,
      args: conmonArguments(options),
      // conmon stamps log lines in its own time zone.
      env: { ...options.runtime.env, TZ: 'UTC', _OCI_SYNCPIPE: String(syncPipeFd) },
      cwd: files.dir,
      stdio: [nothing, nothing, errors, sync.write],
    });
  } catch (error) {
    closeAll(sync.read);
    throw error;
  } finally {
    closeAll(sync.write, ...others);
  }
  const [status, report] = await Promise.all([child.end, readReport(sync.read)]);
  const { pid, message } = parseReport(report);
  const monitorPid = Number(readIfThere(files.monitorPidFile) ?? 0);
  if (status === 0 && pid > 0 && monitorPid > 0) return { pid, monitorPid };
  const reason = [message, readIfThere(join(files.dir, 'monitor.log'))].find((text) => text?.trim());
  throw startError(reason ?? `conmon of ${request.id} ended with status ${status} and said nothing`);
}

function conmonArguments({ runtime, files, request }: StartOptions): string[] {
  return [
    ...['--api-version', '1', '--cid', request.id, '--cuuid', request.id, '--name', request.id],
    ...['--runtime', runtime.path, ...['--root', runtime.root].flatMap((each) => ['--runtime-arg', each])],
    ...['--bundle', request.bundle, '--container-pidfile', files.pidFile, '--conmon-pidfile', files.monitorPidFile],
    ...['--exit-dir', files.exits, '--full-attach', '--no-sync-log', '--log-level', 'error'],
    ...['--log-path', request.logPath === '' ? 'none:' : `k8s-file:${request.logPath}`],
    ...(request.logSizeMax === undefined ? [] : ['--log-size-max', String(request.logSizeMax)]),
    ...(request.tty ? ['--terminal'] : []),
    ...(request.openStdin ? ['--stdin'] : []),
    ...(request.openStdin && !endsWithFirstClient(request) ? ['--leave-stdin-open'] : []),
  ];
}

/** The first line on the pipe, or what came before its end. */
function readReport(fd: number): Promise<string> {
  const stream = new Socket({ fd, readable: true, writable: false });
  return new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) stream.destroy();
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(text));
  });
}

function parseReport(report: string): { pid: number; message: string } {
  if (report.trim() === '') return { pid: 0, message: '' };
  try {
    const { data, message } = JSON.parse(report) as { data?: number; message?: string };
    return { pid: data ?? 0, message: message ?? '' };
  } catch (error) {
    return { pid: 0, message: `conmon reported ${JSON.stringify(report)} (${messageOf(error)})` };
  }
}
