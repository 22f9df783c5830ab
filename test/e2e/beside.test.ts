import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../support/needs.ts';
import {
  createPrivateEngine,
  eventually,
  importBusybox,
  type PrivateEngine,
  type Ran,
} from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

const text = `name: beside
services:
  web:
    image: busybox:latest
    command: ["sh", "-c", "mkdir /w; echo fine > /w/health; exec httpd -f -p 127.0.0.1:8080 -h /w"]
    stop_signal: SIGKILL
    x-iechor:
      healthcheck: {http: ":8080/health", interval: 200ms, retries: 3}
      restart-unhealthy: true
  nightly:
    image: busybox:latest
    command: ["true"]
    x-iechor: {schedule: "0 3 29 2 *"}
  tool:
    image: busybox:latest
    command: ["sleep", "1000"]
    stop_signal: SIGKILL
    profiles: [tools]
`;

describeWithContainers('beside what Docker knows', () => {
  let engine: PrivateEngine;
  let dir: string;
  const compose = (...args: string[]): Ran => engine.iechor(['compose', ...args], { cwd: dir });
  const inspect = (format: string) => engine.iechor(['inspect', '-f', format, 'beside-web-1']).stdout.trim();

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
    dir = writeProject(engine, 'beside', { 'compose.yaml': text });
    expect(compose('--profile', 'tools', 'up', '-d', '--wait')).toMatchObject({ exit: 0 });
  });
  afterAll(() => engine.dispose());

  test('a port of the loopback address is probed without a process in the container', () => {
    expect(inspect('{{.State.Health.Status}}')).toBe('healthy');
    expect(compose('top', 'web').stdout).not.toContain('wget');
  });

  test('a service that becomes unhealthy is restarted', async () => {
    const before = inspect('{{.State.StartedAt}}');
    expect(compose('exec', '-T', 'web', 'rm', '/w/health').exit).toBe(0);
    await eventually('another start', () => inspect('{{.State.StartedAt}}') !== before);
    await eventually('health', () => inspect('{{.State.Health.Status}}') === 'healthy');
  });

  test('a scheduled service waits for its time, and up leaves it alone', () => {
    expect(compose('jobs').stdout).toMatch(/nightly\s+0 3 29 2 \*\s+\d{4}-02-29 03:00/);
    expect(compose('ps', '-a', '--format', '{{.Service}} {{.State}}').stdout).toContain('nightly created');
    expect(compose('diff', '--exit-code').exit).toBe(0);
  });

  test('debug sees the processes, the network and the files of a container, with its own tools', () => {
    const seen = compose(
      'debug',
      '-T',
      'web',
      'sh',
      '-c',
      'cat /proc/1/root/w/*; wget -qO- http://127.0.0.1:8080/nothing; ps',
    );
    expect(seen.stdout).toContain('httpd');
    expect(seen.stderr).toContain('404');
  });

  test('a profile is stopped and taken down by itself', () => {
    expect(compose('stop', '--only-profile', 'tols').stderr).toContain('did you mean "tools"');
    expect(compose('down', '--only-profile', 'tools').exit).toBe(0);
    expect(compose('ps', '-a', '--services').stdout.trim().split('\n').sort()).toEqual(['nightly', 'web']);
  });

  test('volumes are kept, cloned, restored, exported and imported', () => {
    const volume = (...args: string[]) => engine.iechor(['volume', ...args]);
    const inVolume = (name: string, command: string) =>
      engine.iechor(['run', '--rm', '-v', `${name}:/d`, 'busybox', 'sh', '-c', command]).stdout.trim();
    inVolume('data', 'echo one > /d/file; ln /d/file /d/hard; chown 7:8 /d/file');
    expect(volume('snapshot', 'data', 'first').stdout.trim()).toBe('data.first');
    inVolume('data', 'echo two > /d/file; touch /d/more');
    expect(volume('clone', 'data', 'copy').exit).toBe(0);
    expect(volume('clone', 'data', 'copy').stderr).toContain('exists already');
    expect(volume('restore', 'data', 'data.first').exit).toBe(0);
    expect(inVolume('data', 'cat /d/file; stat -c "%u:%g %h" /d/file; ls /d')).toBe('one\n7:8 2\nfile\nhard');
    expect(inVolume('copy', 'cat /d/file; ls /d')).toBe('two\nfile\nhard\nmore');
    expect(volume('export', 'data', '-o', `${dir}/data.tar`).exit).toBe(0);
    expect(volume('import', 'fresh', `${dir}/data.tar`).stdout.trim()).toBe('fresh');
    expect(inVolume('fresh', 'cat /d/file; stat -c "%u:%g" /d/file')).toBe('one\n7:8');
    engine.iechor(['run', '-d', '--name', 'user', '-v', 'data:/d', 'busybox', 'sleep', '1000']);
    expect(volume('snapshot', 'data', 'live').exit).toBe(0);
    expect(volume('restore', 'data', 'data.first').stderr).toContain('in use by user');
    expect(engine.iechor(['inspect', '-f', '{{.State.Status}}', 'user']).stdout.trim()).toBe('running');
  });
});
