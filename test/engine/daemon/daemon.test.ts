import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mountsBelow, unmount } from '../../../src/host/mount.ts';
import { run } from '../../../src/host/spawn.ts';
import { describeWithContainers } from '../../support/needs.ts';
import { createTestRoot, until } from '../lifecycle/support.ts';
import { clientOf, type Started, startDaemon } from './daemon-process.ts';

/** A long run asks for 1,000 (`npm run rounds`). */
const sessionRounds = Number(process.env.IECHOR_TEST_SESSION_ROUNDS ?? 60);

describeWithContainers('the daemon as a process', () => {
  let dir: string;
  let daemons: Started[];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'iechor-daemon-'));
    daemons = [];
  });
  afterEach(async () => {
    // A daemon that still runs is asked to take its containers with it; whatever is left then is a failure's.
    const client = clientOf(dir);
    const left = await client.containerList({ all: true }).catch(() => []);
    for (const { Id } of left) await client.containerRemove({ id: Id, force: true }).catch(() => {});
    await client.daemonStop({ force: true }).catch(() => {});
    for (const { child, exit } of daemons) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exit;
    }
    client.close();
    for (const point of mountsBelow(dir)) unmount(point);
    rmSync(dir, { recursive: true, force: true });
  });
  const start = async (...more: string[]) => {
    const started = await startDaemon(dir, ...more);
    daemons.push(started);
    return started;
  };
  /** Puts the tests' image into the data root before a daemon uses it. */
  const withImage = async () => {
    const root = createTestRoot(dir);
    await root.end(await root.open());
  };

  test('says when it is ready, says what it is, and ends leaving nothing behind', async () => {
    const { answer, child, exit } = await start('--pidfile', join(dir, 'pid'));
    expect(answer).toMatchObject({ ready: true });
    const client = clientOf(dir);
    expect(await client.daemonStatus({})).toMatchObject({
      pid: child.pid,
      dataRoot: join(dir, 'data'),
      hosts: [`unix://${join(dir, 'run/iechor.sock')}`],
      logPath: join(dir, 'run/iechord.log'),
      containersRunning: 0,
    });
    expect(readFileSync(join(dir, 'pid'), 'utf8')).toBe(`${child.pid}\n`);
    expect(statSync(join(dir, 'data')).mode & 0o777).toBe(0o710);
    await client.networkCreate({ body: { Name: 'net' } });
    expect(await client.daemonStop({})).toEqual({ containersRunning: 0 });
    expect(await exit).toBe(0);
    expect(existsSync(join(dir, 'run/iechor.sock'))).toBe(false);
    expect(existsSync(join(dir, 'pid'))).toBe(false);
    expect(mountsBelow(dir)).toEqual([]);
    const [table] = (await run('nft', ['list', 'tables'])).stdout
      .split('\n')
      .filter((line) => line.includes(scopeOf(dir)));
    expect(table).toBeUndefined();
    client.close();
  });

  test('a second one of the same root is refused, and the first goes on', async () => {
    await start();
    const second = await start('--host', `unix://${join(dir, 'run/other.sock')}`);
    expect(second.answer.error).toMatchObject({ code: 'DAEMON_RUNNING' });
    expect(await second.exit).toBe(1);
    const client = clientOf(dir);
    expect((await client.systemPing({})).apiVersion).toBe('1.51');
    client.close();
  });

  test('what it cannot use is told to whoever started it', async () => {
    const config = join(dir, 'config.json');
    writeFileSync(config, '{"no-such-key": 1}');
    expect((await start('--config-file', config)).answer.error).toMatchObject({
      code: 'DAEMON_CONFIG',
      hint: expect.stringContaining('known keys'),
    });
    expect((await start('--host', 'tcp://0.0.0.0:2375')).answer.error?.code).toBe('DAEMON_CONFIG');
    expect((await start('--host', `unix://${join(dir, 'x'.repeat(120))}`)).answer.error?.code).toBe('DAEMON_CONFIG');
    writeFileSync(join(dir, 'data/state.db'), 'not a database'.repeat(100));
    rmSync(join(dir, 'data/state.db-wal'), { force: true });
    expect((await start()).answer.error?.code).toBe('STATE_DAMAGED');
    expect(readFileSync(join(dir, 'data/state.db'), 'utf8')).toContain('not a database');
  });

  test('containers live through its death, and the next one has their streams, logs and end', async () => {
    await withImage();
    const first = await start();
    let client = clientOf(dir);
    const Cmd = ['sh', '-c', 'echo before; read x; echo got $x; exit 9'];
    const { Id: id } = await client.containerCreate({ body: { Image: 'busybox', Cmd, OpenStdin: true } });
    await client.containerStart({ id });
    const session = await client.containerAttach({ id, stream: true, stdout: true });
    first.child.kill('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');
    await expect(drain(session.output)).resolves.toBeDefined();
    client.close();
    await start();
    client = clientOf(dir);
    expect((await client.containerInspect({ id })).State.Running).toBe(true);
    expect(await client.daemonStatus({})).toMatchObject({ containersRunning: 1 });
    const again = await client.containerAttach({ id, stream: true, stdin: true, stdout: true });
    const end = client.containerWait({ id });
    await again.write(Buffer.from('word\n'));
    expect(await drain(again.output)).toContain('got word');
    expect((await end).StatusCode).toBe(9);
    expect(await drain(client.containerLogs({ id, stdout: true }))).toBe('before\ngot word\n');
    client.close();
  });

  test('stopping it leaves running containers alone, and ends streams that would last', async () => {
    await withImage();
    const { child, exit } = await start();
    let client = clientOf(dir);
    const { Id: id } = await client.containerCreate({ body: { Image: 'busybox', Cmd: ['sleep', '300'] } });
    await client.containerStart({ id });
    const { State } = await client.containerInspect({ id });
    const events = drain(client.systemEvents({})).catch(() => 'ended');
    const logs = drain(client.containerLogs({ id, follow: true, stdout: true })).catch(() => 'ended');
    const wait = client.containerWait({ id }).catch((error) => error.code);
    // Some of them may be on their way still: those are refused.
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    await Promise.all([events, logs, wait]);
    process.kill(State.Pid, 0);
    client.close();
    await start();
    client = clientOf(dir);
    expect((await client.containerInspect({ id })).State.Pid).toBe(State.Pid);
    client.close();
  });

  test(
    'sessions whose clients vanish or never read leave no descriptor behind',
    async () => {
      await withImage();
      const { child } = await start();
      const client = clientOf(dir);
      const Cmd = ['sh', '-c', 'while true; do echo 0123456789; done'];
      const { Id: id } = await client.containerCreate({ body: { Image: 'busybox', Cmd } });
      await client.containerStart({ id });
      const descriptors = async () => Number((await run('sh', ['-c', `ls /proc/${child.pid}/fd | wc -l`])).stdout);
      const before = await descriptors();
      for (let round = 0; round < sessionRounds; round += 1) {
        const session = await client.containerAttach({ id, stream: true, stdout: true });
        if (round % 2 === 0) for await (const _ of session.output) break;
        session.close();
      }
      await until('they are closed', async () => (await descriptors()) <= before + 3);
      const running: string[] = [];
      for (let round = 0; round < sessionRounds / 3; round += 1) {
        const body = { AttachStdin: true, AttachStdout: true, Cmd: ['cat'] };
        const { Id } = await client.execCreate({ id, body });
        const session = await client.execStart({ id: Id, body: {} });
        await session.write(Buffer.from('x'));
        if (round % 2 === 0) for await (const _ of session.output) break;
        session.close();
        running.push(Id);
      }
      const stillRuns = async (Id: string) => (await client.execInspect({ id: Id })).Running;
      for (const Id of running)
        await until('its input has ended, and so has the process', async () => !(await stillRuns(Id)));
      await until('they are closed', async () => (await descriptors()) <= before + 3);
      await client.containerKill({ id });
      await client.containerWait({ id });
      client.close();
    },
    60_000 + sessionRounds * 400,
  );
});

const scopeOf = (dir: string) =>
  createHash('sha256')
    .update(realpathSync(join(dir, 'data')))
    .digest('hex')
    .slice(0, 8);

async function drain(items: AsyncIterable<unknown>): Promise<string> {
  let text = '';
  for await (const item of items) {
    const data = (item as { data?: Uint8Array }).data;
    if (data) text += Buffer.from(data).toString();
  }
  return text;
}
