import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf, messageOf } from '../common/error.ts';
import { cgroupDirs, cgroupParent, processesOf, removeCgroup } from '../host/cgroup.ts';
import { readIfThere, removeTree, writeAtomic } from '../host/files.ts';
import { bootId, isEnding } from '../host/proc.ts';
import { signalProcess } from '../host/processes.ts';
import { thaw } from './commit.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { endedLocked, scheduleRestart } from './exit.ts';
import type { LifeContext } from './life.ts';
import { forwardLog } from './logging/forwards.ts';
import { processOf } from './process-of.ts';
import { removeLocked } from './remove.ts';
import { startLocked } from './start.ts';
import { supervise } from './supervise.ts';
import { tearDown } from './tear-down.ts';

const SIGKILL = 9;
/** Ids of containers and of build steps. */
const sandboxName = /^([0-9a-f]{64}|build-[A-Za-z0-9_.-]+)$/;
/** Exit code of a container whose end nobody saw: the machine went down, or its monitor was killed. */
const unseenExitCode = 137;
/** How long the end of a killed process is waited for. */
const endTimeoutMs = 10_000;

/**
 * Finishes what an earlier daemon began: running containers are adopted, ended ones handled, half-made and
 * half-removed ones taken back, and whatever has no record is swept away. Normal code throughout; safe to repeat.
 */
export async function recover(context: LifeContext): Promise<void> {
  const records = context.containers.list();
  const booted = isFirstSinceBoot(context);
  const live = new Set(records.filter((record) => isAlive(context, record)).map((record) => record.id));
  await sweep(context, live);
  await context.networks.recover(live);
  const results = await Promise.allSettled(
    records.map((record) =>
      context.mutex.run(record.id, async () => {
        if (!live.has(record.id)) forwardLog(context, record, { ended: true });
        await recoverOne(context, record, { live, booted });
      }),
    ),
  );
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    context.log.error('a container could not be recovered', {
      container: records[index]?.id,
      error: messageOf(result.reason),
    });
  }
}

function isAlive(context: LifeContext, record: ContainerRecord): boolean {
  return (record.status === 'running' || record.status === 'paused') && processOf(context, record) !== undefined;
}

/** Tells a restart of the daemon from one of the machine, also where the volatile root is on a disk. */
function isFirstSinceBoot(context: LifeContext): boolean {
  const mark = join(context.roots.execRoot, 'booted');
  const boot = bootId();
  if (readIfThere(mark) === boot) return false;
  writeAtomic(mark, boot);
  return true;
}

async function recoverOne(
  context: LifeContext,
  record: ContainerRecord,
  host: { readonly live: ReadonlySet<string>; readonly booted: boolean },
): Promise<void> {
  switch (record.status) {
    case 'running':
    case 'paused':
      if (!host.live.has(record.id) || (await isAboutToEnd(context, record))) return handleEnd(context, record);
      return adopt(context, record);
    case 'restarting':
      return scheduleRestart(context, record.id, 100);
    case 'starting':
      await tearDown(context, record.id);
      context.containers.update(record.id, {
        status: record.startedAt === '' ? 'created' : 'exited',
        pid: 0,
        boundPorts: [],
        error: 'the start was interrupted',
      });
      return;
    case 'removing':
      return removeLocked(context, record.id, record.removing ?? { volumes: false });
    case 'created':
      return context.snapshotter.prepare(record.id, record.chain.at(-1));
    case 'exited':
    case 'dead':
      return atRest(context, record, host.booted);
  }
}

/**
 * A container that was killed a moment ago must not pass for running: the end that a stop, a kill or a removal began
 * is waited for. One that was paused is thawed, or its signal would never arrive.
 */
async function isAboutToEnd(context: LifeContext, record: ContainerRecord): Promise<boolean> {
  const pid = processOf(context, record);
  if (pid !== undefined && !isEnding(pid)) return false;
  if (record.status === 'paused' || record.frozenForCommit) await context.runtime.resume(record.id);
  return context.monitor.awaitExit(record.id, AbortSignal.timeout(endTimeoutMs)).then(
    () => true,
    (error) => {
      if (codeOf(error) !== 'INTERRUPTED') throw error;
      return false;
    },
  );
}

/** A stop that died with its daemon has failed, as its client was told: the restart policy holds again. */
async function adopt(context: LifeContext, record: ContainerRecord): Promise<void> {
  if (record.frozenForCommit) await thaw(context, record.id);
  const pid = processOf(context, record) ?? record.pid;
  supervise(context, record);
  context.log.info('container adopted', { container: record.id, pid });
  if (pid !== record.pid || record.stoppedByUser) context.containers.note(record.id, { pid, stoppedByUser: false });
}

async function handleEnd(context: LifeContext, record: ContainerRecord): Promise<void> {
  const exit = context.monitor.exitOf(record.id);
  await endedLocked(context, record.id, exit ?? { exitCode: unseenExitCode, finishedAt: new Date(), oomKilled: false });
}

/** `always` starts a container again with the machine, also one that was stopped by hand (Docker's rule). */
async function atRest(context: LifeContext, record: ContainerRecord, booted: boolean): Promise<void> {
  if (record.body.HostConfig?.AutoRemove) return removeLocked(context, record.id, { volumes: true });
  if (!booted || record.body.HostConfig?.RestartPolicy?.Name !== 'always') return;
  await startLocked(context, record.id, { restartCount: 0 });
}

/** Everything named by an id that no running container has: bundles, monitors, runtime states, cgroups, directories. */
async function sweep(context: LifeContext, live: ReadonlySet<string>): Promise<void> {
  const { dataRoot, execRoot } = context.roots;
  const parent = cgroupParent(context.roots.scope);
  const cgroups = cgroupDirs(parent).flatMap(directoriesIn);
  const monitors = join(execRoot, 'monitors');
  const volatile = [join(execRoot, 'containers'), context.runtime.root, join(monitors, 'containers')]
    .flatMap(directoriesIn)
    .concat(filesIn(join(monitors, 'exits')));
  const known = new Set(context.containers.list().map((record) => record.id));
  for (const id of new Set([...volatile, ...cgroups].map((path) => basename(path)))) {
    if (live.has(id) || !sandboxName.test(id)) continue;
    await tearDown(context, id, { keepExit: known.has(id) });
    clearCgroup(`${parent}/${id}`);
  }
  for (const path of directoriesIn(join(dataRoot, 'containers'))) {
    if (known.has(basename(path))) continue;
    await context.snapshotter.remove(basename(path));
    removeTree(path);
  }
}

/** Empties `<data-root>/tmp`: contexts and archives of requests that ended with the daemon that served them. */
export function clearTemporary(context: EngineContext): void {
  const directory = join(context.roots.dataRoot, 'tmp');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(directory)) {
    try {
      removeTree(join(directory, name));
    } catch (error) {
      context.log.warn('a temporary file is left over', { name, error: messageOf(error) });
    }
  }
}

function clearCgroup(path: string): void {
  for (const pid of processesOf(path)) signalProcess(pid, SIGKILL);
  removeCgroup(path);
}

const filesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);

function directoriesIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(dir, entry.name));
}
