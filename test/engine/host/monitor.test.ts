import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freezeState } from '../../../src/host/cgroup.ts';
import { readUsage } from '../../../src/host/cgroup-usage.ts';
import { signalProcess } from '../../../src/host/processes.ts';
import { eventually } from '../../support/private-engine.ts';
import { logLines, openTinyHost, readUntil, skipReason, type TinyHost } from './tiny-host.ts';

if (skipReason !== undefined) console.warn(`skipped: ${skipReason}`);
const SIGKILL = 9;

describe.each(['crun', 'runc'])('containers under conmon and %s', (name) => {
  const check = skipReason === undefined ? test : test.skip;
  let host: TinyHost;
  beforeAll(async () => {
    if (skipReason === undefined) host = await openTinyHost(name);
  });
  afterAll(() => host?.close());

  const run = async (args: string[], request = {}) => {
    const container = await host.create(host.spec(args), request);
    await host.runtime.start(container.id);
    return container;
  };

  check('the exit code of the process is reported, also to those who ask later', async () => {
    const { id } = await run(['sh', '-c', 'exit 42']);
    expect(await host.monitor.awaitExit(id)).toMatchObject({ exitCode: 42, oomKilled: false });
    expect(host.monitor.exitOf(id)?.exitCode).toBe(42);
    await host.runtime.delete(id);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(42);
  });

  check('a process that a signal ended is reported as 128 + n', async () => {
    const { id, pid } = await run(['sleep', '100']);
    expect(host.monitor.exitOf(id)).toBeUndefined();
    signalProcess(pid, SIGKILL);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(137);
  });

  check('stdout and stderr are told apart in the log and by attached clients, from the first byte on', async () => {
    const { id, logPath } = await host.create(host.spec(['sh', '-c', 'echo out; echo err >&2']));
    const connection = await host.monitor.attach(id);
    await host.runtime.start(id);
    const seen: string[] = [];
    for await (const { stream, data } of connection.output) seen.push(`${stream}: ${Buffer.from(data)}`);
    expect(seen.sort()).toEqual(['stderr: err\n', 'stdout: out\n']);
    await host.monitor.awaitExit(id);
    expect(logLines(logPath).sort()).toEqual(['stderr F err', 'stdout F out']);
  });

  check('a program that is not there is COMMAND_NOT_FOUND, one that cannot run COMMAND_NOT_EXECUTABLE', async () => {
    await expect(run(['no-such-program'])).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND', exit: 127 });
    await expect(run(['/bin/plain'])).rejects.toMatchObject({ code: 'COMMAND_NOT_EXECUTABLE', exit: 126 });
  });

  check('a program that the kernel refuses to execute ends with 126', async () => {
    const { id } = await run(['/bin/broken']);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(126);
  });

  check('stdin reaches the process and its end with StdinOnce, however much goes through', async () => {
    const { id } = await run(['cat'], { openStdin: true, stdinOnce: true });
    const listener = await host.monitor.attach(id, { stdin: false });
    listener.close();
    const connection = await host.monitor.attach(id);
    const payload = Buffer.alloc(2_000_000, 'abcdefghi\n');
    const reading = readUntil(connection);
    await connection.write(payload);
    connection.endInput();
    expect((await reading).length).toBe(payload.length);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(0);
  });

  check('without StdinOnce the input stays open for the next client', async () => {
    const { id } = await run(['cat'], { openStdin: true });
    for (const word of ['one\n', 'two\n']) {
      const connection = await host.monitor.attach(id);
      await connection.write(Buffer.from(word));
      expect(await readUntil(connection, (text) => text.includes('\n'))).toBe(word);
      connection.endInput();
      connection.close();
    }
    expect(host.monitor.adopt(id)).toBeDefined();
  });

  check('a terminal that was left keeps its input for whoever comes back, StdinOnce or not', async () => {
    const { id } = await run(['sh', '-c', 'read a; echo "<$a>"; read b; echo "<$b>"; sleep 100'], {
      tty: true,
      openStdin: true,
      stdinOnce: true,
    });
    for (const word of ['one', 'two']) {
      const connection = await host.monitor.attach(id);
      await connection.write(Buffer.from(`${word}\n`));
      expect(await readUntil(connection, (text) => text.includes('>'))).toContain(`<${word}>`);
      connection.endInput();
      connection.close();
    }
  });

  check('a terminal has the size it is given', async () => {
    // conmon takes a size when it gets to it: the process reports until it has it.
    const { id } = await run(['sh', '-c', 'while read line; do stty size; done'], { tty: true, openStdin: true });
    const connection = await host.monitor.attach(id);
    const asking = setInterval(() => void connection.write(Buffer.from('\n')), 20);
    await host.monitor.resize(id, 33, 99);
    expect(await readUntil(connection, (text) => text.includes('33 99'))).toContain('33 99');
    clearInterval(asking);
    const again = await host.monitor.attach(id);
    const askingAgain = setInterval(() => void again.write(Buffer.from('\n')), 20);
    await host.monitor.resize(id, 50, 120);
    expect(await readUntil(again, (text) => text.includes('50 120'))).toContain('50 120');
    clearInterval(askingAgain);
  });

  check('the log goes on in a new file after it was renamed away', async () => {
    const { id, logPath } = await run(['sh', '-c', 'echo one; read line; echo two'], { openStdin: true });
    const connection = await host.monitor.attach(id);
    while (!readFileSync(logPath, 'utf8').includes('one')) await new Promise((resolve) => setTimeout(resolve, 5));
    renameSync(logPath, `${logPath}.1`);
    await host.monitor.reopenLog(id);
    expect(logLines(logPath)).toEqual([]);
    await connection.write(Buffer.from('\n'));
    await host.monitor.awaitExit(id);
    expect(logLines(`${logPath}.1`)).toEqual(['stdout F one']);
    expect(logLines(logPath)).toEqual(['stdout F two']);
  });

  check('a later daemon adopts what runs and learns of its end', async () => {
    const { id, pid, monitorPid } = await run(['sh', '-c', 'read line; exit 5'], { openStdin: true });
    const later = await host.reopen();
    expect(later.adopt(id)).toEqual({ pid, monitorPid });
    const exit = later.awaitExit(id);
    await (await later.attach(id)).write(Buffer.from('\n'));
    expect((await exit).exitCode).toBe(5);
    expect(later.adopt(id)).toBeUndefined();
  });

  check('what a daemon started that died before it wrote that down is adopted too', async () => {
    const { id, pid, monitorPid } = await run(['sleep', '100']);
    rmSync(join(host.dir, 'monitor/containers', id, 'record.json'));
    expect((await host.reopen()).adopt(id)).toEqual({ pid, monitorPid });
  });

  check('a pid that belongs to another process by now is not adopted', async () => {
    const { id } = await run(['sleep', '100']);
    const file = join(host.dir, 'monitor/containers', id, 'record.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...record, startTicks: record.startTicks - 1 }));
    expect(host.monitor.adopt(id)).toBeUndefined();
    writeFileSync(file, JSON.stringify(record));
  });

  check('a client that stops reading holds the container back, and loses nothing', async () => {
    const { id } = await host.create(host.spec(['seq', '1', '1000000']));
    const connection = await host.monitor.attach(id);
    await host.runtime.start(id);
    const iterator = connection.output[Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(host.monitor.exitOf(id)).toBeUndefined();
    let tail = '';
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      tail = (tail + Buffer.from(next.value.data).toString()).slice(-20);
    }
    expect(tail).toMatch(/\n999999\n1000000\n$/);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(0);
  });

  check('the log file stays within its bound', async () => {
    const { id, logPath } = await run(['seq', '1', '20000'], { logSizeMax: 16_384 });
    await host.monitor.awaitExit(id);
    expect(statSync(logPath).size).toBeLessThanOrEqual(16_384);
    expect(logLines(logPath).at(-1)).toBe('stdout F 20000');
  });

  check('twenty containers at once leave no descriptor and no cgroup behind', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const exits = Array.from({ length: 20 }, async (_, code) => {
      const { id, cgroup } = await host.create(host.spec(['sh', '-c', `exit ${code}`]));
      const connection = await host.monitor.attach(id);
      await host.runtime.start(id);
      await readUntil(connection);
      const exit = await host.monitor.awaitExit(id);
      await host.runtime.delete(id);
      expect(readUsage(cgroup)).toBeUndefined();
      return exit.exitCode;
    });
    expect(await Promise.all(exits)).toEqual(Array.from({ length: 20 }, (_, code) => code));
    const descriptors = () => readdirSync('/proc/self/fd').length;
    await eventually('the descriptors are closed', () => descriptors() <= before);
  });

  check('the end of a container is noticed although its monitor was killed before', async () => {
    const { id, pid, monitorPid } = await run(['sleep', '100']);
    const exit = host.monitor.awaitExit(id);
    signalProcess(monitorPid, SIGKILL);
    signalProcess(pid, SIGKILL);
    expect((await exit).exitCode).toBe(137);
    expect(host.monitor.adopt(id)).toBeUndefined();
    expect((await (await host.reopen()).awaitExit(id)).exitCode).toBe(137);
  });

  check('the exit code of a container that outlived its monitor is exact', async () => {
    const { id, monitorPid } = await run(['sh', '-c', 'sleep 0.2; exit 7']);
    signalProcess(monitorPid, SIGKILL);
    expect((await host.monitor.awaitExit(id)).exitCode).toBe(7);
  });

  check('an aborted wait ends at once and leaves the others waiting', async () => {
    const { id, pid } = await run(['sleep', '100']);
    const abort = new AbortController();
    const aborted = host.monitor.awaitExit(id, abort.signal);
    const other = host.monitor.awaitExit(id);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'INTERRUPTED' });
    signalProcess(pid, SIGKILL);
    expect((await other).exitCode).toBe(137);
  });

  check('a container that wants more memory than it may have is reported as killed for it', async () => {
    const spec = host.spec(['sh', '-c', 'dd if=/dev/zero of=/dev/hog bs=1M count=64'], (each) => {
      each.linux.resources = { memory: { limit: 16 * 1024 * 1024 } };
    });
    const { id } = await host.create(spec);
    await host.runtime.start(id);
    expect(await host.monitor.awaitExit(id)).toMatchObject({ oomKilled: true });
  });

  check('a container is paused, resumed, limited and measured', async () => {
    const { id, cgroup } = await run(['sleep', '100']);
    await host.runtime.pause(id);
    expect(freezeState(cgroup)).toBe('frozen');
    await host.runtime.resume(id);
    expect(freezeState(cgroup)).toBe('running');
    await host.runtime.update(id, { memory: { limit: 32 * 1024 * 1024 }, pids: { limit: 7 } });
    expect(readUsage(cgroup)).toMatchObject({
      memory: { limitBytes: 32 * 1024 * 1024 },
      pids: { current: 1, limit: 7 },
    });
    await host.runtime.delete(id);
    await host.runtime.delete(id);
    expect(readUsage(cgroup)).toBeUndefined();
  });

  check('attaching to a container that has ended is refused', async () => {
    const { id } = await run(['echo', 'done']);
    await host.monitor.awaitExit(id);
    await expect(host.monitor.attach(id)).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });
});
