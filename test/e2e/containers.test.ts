import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('containers by the command line', () => {
  let engine: PrivateEngine;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  const state = (name: string, template: string) => engine.iechor(['inspect', '-f', template, name]).stdout.trim();

  test('run prints what the process writes, stdout and stderr apart', () => {
    const ran = engine.iechor(['run', '--rm', 'busybox', 'sh', '-c', 'echo out; echo err >&2']);
    expect(ran).toEqual({ exit: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  test.each([
    ['the exit code of the process', ['sh', '-c', 'exit 7'], 7],
    ['127 for a command that is not there', ['no-such-command'], 127],
    ['126 for a command that is no program', ['/etc/passwd'], 126],
  ])('run ends with %s', (_what, command, exit) => {
    expect(engine.iechor(['run', '--rm', 'busybox', ...command]).exit).toBe(exit);
  });

  test('wait prints 128 and the signal of a killed process', () => {
    engine.iechor(['run', '-d', '--name', 'killed', 'busybox', 'sleep', '600']);
    engine.iechor(['kill', 'killed']);
    expect(engine.iechor(['wait', 'killed']).stdout).toBe('137\n');
    engine.iechor(['rm', 'killed']);
  });

  test('run hands standard input on and sees its end', () => {
    expect(engine.iechor(['run', '--rm', '-i', 'busybox', 'wc', '-c'], { input: 'twelve bytes' }).stdout.trim()).toBe(
      '12',
    );
  });

  test('a container that ended stays, can be started again and be removed', async () => {
    engine.iechor(['run', '--name', 'twice', 'busybox', 'sh', '-c', 'echo run >> /count']);
    expect(state('twice', '{{.State.Status}} {{.State.ExitCode}}')).toBe('exited 0');
    expect(engine.iechor(['start', 'twice']).exit).toBe(0);
    await eventually('the second run has ended', () => state('twice', '{{.State.Status}}') === 'exited');
    expect(engine.iechor(['export', 'twice', '-o', 'twice.tar']).exit).toBe(0);
    expect(engine.iechor(['rm', 'twice']).exit).toBe(0);
    expect(engine.iechor(['inspect', 'twice']).exit).toBe(1);
  });

  test('exec runs beside the first process, with its exit code', () => {
    engine.iechor(['run', '-d', '--name', 'host', 'busybox', 'sleep', '600']);
    expect(engine.iechor(['exec', 'host', 'sh', '-c', 'ps -o comm | grep -cx sleep; exit 3'])).toMatchObject({
      exit: 3,
      stdout: '1\n',
    });
    expect(
      engine.iechor(['exec', '-w', '/tmp', '-e', 'A=b', '-u', 'nobody', 'host', 'sh', '-c', 'pwd; echo $A; id -u'])
        .stdout,
    ).toBe('/tmp\nb\n65534\n');
    engine.iechor(['rm', '-f', 'host']);
  });

  test('stop sends the stop signal, then kills after the grace period', async () => {
    engine.iechor([
      'run',
      '-d',
      '--name',
      'polite',
      'busybox',
      'sh',
      '-c',
      'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done',
    ]);
    await eventually('the trap is set', () => engine.iechor(['logs', 'polite']).stdout === 'up\n');
    engine.iechor(['run', '-d', '--name', 'deaf', 'busybox', 'sh', '-c', 'trap "" TERM; while :; do sleep 0.1; done']);
    expect(engine.iechor(['stop', '-t', '1', 'polite', 'deaf']).exit).toBe(0);
    expect(state('polite', '{{.State.ExitCode}}')).toBe('5');
    expect(state('deaf', '{{.State.ExitCode}}')).toBe('137');
    engine.iechor(['rm', 'polite', 'deaf']);
  });

  test('a memory limit kills the process and is reported as such', () => {
    engine.iechor([
      'run',
      '--name',
      'hungry',
      '-m',
      '16m',
      '--memory-swap',
      '16m',
      'busybox',
      'sh',
      '-c',
      'x=$(head -c 64000000 /dev/zero | tr "\\0" a); echo ${#x}',
    ]);
    expect(state('hungry', '{{.State.OOMKilled}} {{.State.ExitCode}}')).toBe('true 137');
    engine.iechor(['rm', 'hungry']);
  });

  test("a named volume outlives its containers; the container's own files do not", () => {
    engine.iechor([
      'run',
      '--rm',
      '-v',
      'keep:/data',
      'busybox',
      'sh',
      '-c',
      'echo kept > /data/file; echo gone > /file',
    ]);
    const second = engine.iechor([
      'run',
      '--rm',
      '-v',
      'keep:/data:ro',
      'busybox',
      'sh',
      '-c',
      'cat /data/file; test -e /file || echo absent; touch /data/x 2>/dev/null || echo read-only',
    ]);
    expect(second.stdout).toBe('kept\nabsent\nread-only\n');
    expect(engine.iechor(['volume', 'rm', 'keep']).exit).toBe(0);
  });

  test('logs come back with the wanted tail', () => {
    engine.iechor(['run', '--name', 'talker', 'busybox', 'sh', '-c', 'for i in 1 2 3 4 5; do echo line $i; done']);
    expect(engine.iechor(['logs', '--tail', '2', 'talker']).stdout).toBe('line 4\nline 5\n');
    engine.iechor(['rm', 'talker']);
  });

  test('on-failure restarts the given number of times', async () => {
    engine.iechor(['run', '-d', '--name', 'flaky', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 1']);
    await eventually('it has given up', () => state('flaky', '{{.State.Status}} {{.RestartCount}}') === 'exited 2');
    engine.iechor(['rm', 'flaky']);
  });

  test('health follows the check and keeps its output', async () => {
    engine.iechor([
      'run',
      '-d',
      '--name',
      'patient',
      '--health-cmd',
      'cat /ok',
      '--health-interval',
      '200ms',
      '--health-retries',
      '2',
      'busybox',
      'sleep',
      '600',
    ]);
    await eventually('it is unhealthy', () => state('patient', '{{.State.Health.Status}}') === 'unhealthy');
    expect(state('patient', '{{(index .State.Health.Log 0).Output}}')).toContain('/ok');
    engine.iechor(['exec', 'patient', 'touch', '/ok']);
    await eventually('it is healthy', () => state('patient', '{{.State.Health.Status}}') === 'healthy');
    engine.iechor(['rm', '-f', 'patient']);
  });

  test('the default confinement holds inside', () => {
    const inside = engine.iechor([
      'run',
      '--rm',
      'busybox',
      'sh',
      '-c',
      'grep -E "CapBnd|Seccomp:" /proc/self/status | tr -d "\\t"; cat /proc/kcore 2>&1 | head -c 1 | wc -c; ls /dev; echo 1 > /proc/sys/kernel/hostname 2>/dev/null || echo sys-read-only',
    ]).stdout;
    expect(inside).toContain('CapBnd:00000000a80425fb');
    expect(inside).toContain('Seccomp:2');
    expect(inside).toContain('sys-read-only');
    expect(inside).not.toMatch(/^(kmsg|mem|sda|vda)$/m);
  });
});
