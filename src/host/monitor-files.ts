import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf, IechorError } from '../common/error.ts';
import { cgroupOf, oomKills } from './cgroup.ts';
import { readIfThere, writeWhole } from './files.ts';
import { bootId, processArguments, processInfo } from './proc.ts';
import type { ExitStatus, MonitorRequest, MonitorStarted } from './runtime-port.ts';
import { execFailureCode } from './start-errors.ts';

/** What is remembered of a started container, for a daemon that comes later. */
export interface MonitorRecord extends MonitorStarted {
  readonly bootId: string;
  readonly startTicks: number;
  readonly monitorStartTicks: number;
  readonly cgroup?: string;
  readonly bundle: string;
  readonly logPath: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
}

/** The files of one container's monitor, all found from the id. */
export interface MonitorFiles {
  readonly dir: string;
  readonly pidFile: string;
  readonly monitorPidFile: string;
  readonly record: string;
  /** Directory of the exit files; conmon writes `<exits>/<id>`. */
  readonly exits: string;
  readonly exitFile: string;
  /** Our conclusion from it, kept since the cgroup that proves an OOM kill goes away. */
  readonly exitRecord: string;
  readonly oomFile: string;
}

export function monitorFiles(dir: string, id: string): MonitorFiles {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) throw new IechorError('BAD_REQUEST', `"${id}" is no container id`);
  const own = join(dir, 'containers', id);
  return {
    dir: own,
    pidFile: join(own, 'pid'),
    monitorPidFile: join(own, 'monitor.pid'),
    record: join(own, 'record.json'),
    exits: join(dir, 'exits'),
    exitFile: join(dir, 'exits', id),
    exitRecord: join(own, 'exit.json'),
    oomFile: join(own, 'oom'),
  };
}

/** Empty files for a new start of a container. */
export function prepareFiles(files: MonitorFiles): void {
  forgetFiles(files);
  for (const dir of [files.exits, files.dir]) mkdirSync(dir, { recursive: true, mode: 0o700 });
}

export function forgetFiles(files: MonitorFiles): void {
  rmSync(files.exitFile, { force: true });
  // What a monitor that was killed in the middle of writing its exit file has left of it.
  for (const name of existsSync(files.exits) ? readdirSync(files.exits) : []) {
    if (name.startsWith(`${basename(files.exitFile)}.`)) rmSync(join(files.exits, name), { force: true });
  }
  rmSync(files.dir, { recursive: true, force: true });
}

export function writeRecord(
  files: MonitorFiles,
  started: MonitorStarted,
  request: Omit<MonitorRequest, 'id' | 'logSizeMax'>,
): void {
  const cgroup = cgroupOf(started.pid);
  const record: MonitorRecord = {
    pid: started.pid,
    monitorPid: started.monitorPid,
    bootId: bootId(),
    startTicks: processInfo(started.pid)?.startTicks ?? 0,
    monitorStartTicks: processInfo(started.monitorPid)?.startTicks ?? 0,
    ...(cgroup !== undefined && { cgroup }),
    bundle: request.bundle,
    logPath: request.logPath,
    tty: request.tty,
    openStdin: request.openStdin,
    stdinOnce: endsWithFirstClient(request),
  };
  writeWhole(files.record, JSON.stringify(record));
}

/**
 * The record of this boot. Where a daemon died between the start and its record, it is made up from the pid files,
 * with the monitor known by its arguments and the process as the monitor's child.
 */
export function readRecord(files: MonitorFiles, id: string): MonitorRecord | undefined {
  const record = readDocument<MonitorRecord>(files.record);
  if (record) return record.bootId === bootId() ? record : undefined;
  const monitorPid = Number(readIfThere(files.monitorPidFile) ?? 0);
  const pid = Number(readIfThere(files.pidFile) ?? 0);
  const args = processArguments(monitorPid);
  const after = (flag: string) => args[args.indexOf(flag) + 1] ?? '';
  if (!args.includes('--exit-dir') || after('--cid') !== id || after('--exit-dir') !== files.exits) return undefined;
  if (processInfo(pid)?.parent !== monitorPid) return undefined;
  const request = {
    bundle: after('--bundle'),
    logPath: after('--log-path').replace(/^(k8s-file|none):/, ''),
    tty: args.includes('--terminal'),
    openStdin: args.includes('--stdin'),
    stdinOnce: !args.includes('--leave-stdin-open'),
  };
  writeRecord(files, { pid, monitorPid }, request);
  return readDocument(files.record);
}

/** A terminal's input never ends with a client: whoever left it by the detach keys comes back to it. */
export function endsWithFirstClient(request: Pick<MonitorRequest, 'openStdin' | 'stdinOnce' | 'tty'>): boolean {
  return request.openStdin && request.stdinOnce && !request.tty;
}

/** These files are never flushed: on a disk, a loss of power may leave an empty one, which is as good as none. */
function readDocument<T>(path: string): T | undefined {
  const text = readIfThere(path);
  return text ? (JSON.parse(text) as T) : undefined;
}

/** True while the process of a record runs; a pid that was given to another process does not count. */
export function isRunning(pid: number, startTicks: number): boolean {
  return startTicks !== 0 && processInfo(pid)?.startTicks === startTicks;
}

/** The exit on record: ours, else concluded from conmon's exit file. */
export function readExit(files: MonitorFiles): ExitStatus | undefined {
  const exit = readDocument<{ exitCode: number; finishedAt: string; oomKilled: boolean }>(files.exitRecord);
  if (exit) return { ...exit, finishedAt: new Date(exit.finishedAt) };
  const code = readIfThere(files.exitFile)?.trim();
  if (code === undefined || !/^-?\d+$/.test(code)) return undefined;
  return concludeExit(files, Number(code) < 0 ? 137 : Number(code), modifiedAt(files.exitFile));
}

/** Writes down how a container ended, with what only now can be found out. */
export function concludeExit(files: MonitorFiles, code: number, finishedAt: Date): ExitStatus {
  const record = readDocument<MonitorRecord>(files.record);
  const cgroup = record?.cgroup;
  const oomKilled = readIfThere(files.oomFile) !== undefined || (cgroup !== undefined && oomKills(cgroup) > 0);
  const exit: ExitStatus = { exitCode: refusedExec(code, record?.logPath) ?? code, finishedAt, oomKilled };
  mkdirSync(files.dir, { recursive: true, mode: 0o700 });
  writeWhole(files.exitRecord, JSON.stringify(exit));
  return exit;
}

/**
 * A program that the kernel refuses to execute (no interpreter, another architecture) fails after the start was
 * reported: all there is then is one line of the runtime in the container's log, and the runtime's own exit code.
 */
function refusedExec(code: number, logPath: string | undefined): number | undefined {
  if (logPath === undefined || (code !== 1 && code !== 255)) return undefined;
  if ((statSync(logPath, { throwIfNoEntry: false })?.size ?? 0) > 1024) return undefined;
  const lines = readIfThere(logPath)?.trimEnd().split('\n') ?? [];
  const message = /^\S+ std(?:out|err) F (.*)$/.exec(lines.at(0) ?? '')?.[1] ?? '';
  const isRuntimes = /^exec container process .*`: |^exec \S+: (exec format error|no such file or directory)/.test(
    message,
  );
  return lines.length === 1 && isRuntimes ? execFailureCode(message) : undefined;
}

function modifiedAt(path: string): Date {
  try {
    return statSync(path).mtime;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return new Date();
    throw error;
  }
}
