import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../../src/common/id.ts';
import { createTestRoot, isRoot, output, start, type TestRoot, until } from './support.ts';

const suite = isRoot ? describe : describe.skip;

suite('a daemon that comes after another (needs root)', () => {
  let root: TestRoot;
  beforeEach(() => {
    root = createTestRoot();
  });
  afterEach(() => root.destroy());

  test('adopts a running container of one that was killed: its process, log, health and exit code', async () => {
    const { victim, id } = await startVictim(root.dir);
    victim.kill('SIGKILL');
    await once(victim, 'exit');
    const { engine } = await root.open();
    const { State } = await engine.containerInspect({ id });
    expect(State).toMatchObject({ Status: 'running' });
    expect(existsSync(`/proc/${State.Pid}`)).toBe(true);
    const probes = async () => (await engine.containerInspect({ id })).State.Health?.Log.at(-1)?.Start ?? '';
    const last = await probes();
    await until('it is probed again', async () => (await probes()) > last);
    await engine.containerStop({ id, t: 10 });
    expect((await engine.containerInspect({ id })).State.ExitCode).toBe(9);
    expect(await output(engine, id)).toBe('before\nafter\n');
  });

  test('learns the exit code of one that ended meanwhile, and applies its restart policy', async () => {
    const first = await root.open();
    const ended = await start(first.engine, { Cmd: ['sh', '-c', 'sleep 0.4; exit 6'] });
    const kept = await start(first.engine, {
      Cmd: ['sh', '-c', 'sleep 0.4; exit 6'],
      HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
    });
    const pids = [ended, kept].map((id) => first.context.containers.get(id).pid);
    await root.end(first);
    await until('both have ended', () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
    const second = await root.open();
    await until('handled', async () => (await second.engine.containerInspect({ id: ended })).State.Status === 'exited');
    expect((await second.engine.containerInspect({ id: ended })).State.ExitCode).toBe(6);
    await until('started again', async () => (await second.engine.containerInspect({ id: kept })).RestartCount > 0);
  });

  test('takes a container that was killed while frozen for ended, not for one that runs', async () => {
    const first = await root.open();
    const id = await start(first.engine, { Cmd: ['sleep', '100'] });
    await first.engine.containerPause({ id });
    const { pid } = first.context.containers.get(id);
    await root.end(first);
    // What a stop has done at the moment its daemon dies: the signal waits for the thaw.
    process.kill(pid, 'SIGKILL');
    const second = await root.open();
    expect((await second.engine.containerInspect({ id })).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
  });

  test('after a boot starts what is always to run, and nothing else, also over volatile files that were not lost', async () => {
    const first = await root.open();
    const policies = ['always', 'unless-stopped', 'no'] as const;
    const ids: string[] = [];
    for (const Name of policies)
      ids.push(await start(first.engine, { Cmd: ['sleep', '100'], HostConfig: { RestartPolicy: { Name } } }));
    for (const id of ids) await first.engine.containerStop({ id, t: 0 });
    const mark = join(first.context.roots.execRoot, 'booted');
    await root.end(first);
    writeFileSync(mark, 'the boot before this one');
    const { engine } = await root.open();
    const states = await Promise.all(ids.map(async (id) => (await engine.containerInspect({ id })).State.Status));
    expect(states).toEqual(['running', 'exited', 'exited']);
  });

  test('undoes a start and finishes a removal that were under way, and sweeps what has no record', async () => {
    const first = await root.open();
    const { roots, containers } = first.context;
    const half = await start(first.engine, { Cmd: ['sleep', '100'] });
    const going = await start(first.engine, { Cmd: ['true'] });
    await first.engine.containerWait({ id: going });
    const { pid } = containers.get(half);
    containers.update(half, { status: 'starting' });
    containers.update(going, { status: 'removing', removing: { volumes: true } });
    const orphan = newId();
    mkdirSync(join(roots.execRoot, 'containers', orphan), { recursive: true });
    mkdirSync(join(roots.dataRoot, 'containers', orphan), { recursive: true });
    // A step of a build whose sandbox was gone but for its monitor's files.
    const monitor = join(roots.execRoot, 'monitors', 'containers', 'build-0-1');
    mkdirSync(monitor, { recursive: true });
    // A layer that was being removed.
    mkdirSync(join(roots.dataRoot, 'tmp', 'gone-half', 'tree'), { recursive: true });
    await root.end(first);
    const second = await root.open();
    expect((await second.engine.containerInspect({ id: half })).State).toMatchObject({ Status: 'exited', Pid: 0 });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    await expect(second.engine.containerInspect({ id: going })).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
    expect(existsSync(join(roots.execRoot, 'containers', orphan))).toBe(false);
    expect(existsSync(join(roots.dataRoot, 'containers', orphan))).toBe(false);
    expect(existsSync(monitor)).toBe(false);
    expect(existsSync(join(roots.dataRoot, 'tmp', 'gone-half'))).toBe(false);
    await second.engine.containerStart({ id: half });
    expect((await second.engine.containerInspect({ id: half })).State.Running).toBe(true);
  });
});

/** A daemon in a process of its own, once its container runs. */
async function startVictim(dir: string): Promise<{ victim: ChildProcess; id: string }> {
  const main = fileURLToPath(new URL('./victim-main.ts', import.meta.url));
  const victim = spawn(process.execPath, [main, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(victim.stdout ?? victim, 'data')) as [Buffer];
  return { victim, id: line.toString().trim() };
}
