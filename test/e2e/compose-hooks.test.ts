import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeOnEngines } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';
import { eventually } from '../support/private-engine.ts';

describeOnEngines('what runs around a service', (make, { ours }) => {
  let project: DockerProject;
  beforeEach(() => {
    project = make('hooks');
  });
  afterEach(() => project.dispose());

  const hooked = `
services:
  a:
    image: busybox:latest
    command: sh -c 'trap "cat /data/log; exit 0" TERM; cat /data/log; touch /dev/shm/up; while :; do sleep 0.1; done'
    volumes: ["data:/data"]
    post_start:
      - {command: ["sh", "-c", "echo post $$WORD $$(id -u) $$(pwd) >> /dev/shm/post"], user: "7", working_dir: /tmp, environment: [WORD=x]}
    pre_stop:
      - command: sh -c 'echo stopping >> /data/log'
    x-iechor:
      pre_start:
        - command: sh -c 'echo prepared $$WORD >> /data/log'
          environment: {WORD: 5}
volumes: {data: {}}
`;

  test('pre_start comes before the start, post_start after it, pre_stop before the stop', async () => {
    project.write({ 'compose.yaml': hooked });
    expect(project.compose('up', '-d', '--dry-run').stdout).toContain('1 pre_start, 1 post_start');
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
    expect(project.compose('exec', '-T', 'a', 'cat', '/dev/shm/post').stdout).toBe('post x 7 /tmp\n');
    expect(await project.states()).toEqual({ 'a-1': 'running' }); // what prepared it is gone
    await eventually('it is up', () => project.compose('exec', '-T', 'a', 'test', '-e', '/dev/shm/up').exit === 0);
    expect(project.compose('stop').exit).toBe(0);
    expect(project.compose('logs', '--no-log-prefix').stdout).toBe('prepared 5\nprepared 5\nstopping\n');
  });

  test('a hook that fails is named with its exit code and what it wrote; a failed pre_start keeps the service from starting', async () => {
    project.write({ 'compose.yaml': hooked.replace('echo prepared $$WORD >> /data/log', 'echo no luck; exit 4') });
    const up = project.compose('up', '-d');
    expect(up.exit).toBe(1);
    for (const part of ['a pre_start[0] exited with status 4', 'no luck']) expect(up.stderr).toContain(part);
    expect(await project.states()).toEqual({});
    project.write({ 'compose.yaml': hooked.replace('>> /dev/shm/post', '; exit 3') });
    expect(project.compose('up', '-d')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('a hook exited with status 3'),
    });
    expect(await project.states()).toEqual({});
  });

  test('pre_start runs once for all replicas, in order, and anew only where none goes on running', async () => {
    const file = (word: string) => `
services:
  a:
    image: busybox:latest
    command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    volumes: ["data:/data"]
    scale: 2
    x-iechor:
      pre_start:
        - {command: "sh -c 'echo ${word} >> /data/log'"}
        - {image: "busybox:latest", command: ["sh", "-c", "echo then >> /data/log"]}
volumes: {data: {}}
`;
    const log = () => project.compose('exec', '-T', 'a', 'cat', '/data/log').stdout.trim().split('\n').join(' ');
    project.write({ 'compose.yaml': file('one') });
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
    expect(project.compose('up', '-d', '--scale', 'a=3').exit).toBe(0);
    expect(log()).toBe('one then');
    project.write({ 'compose.yaml': file('two') });
    expect(project.compose('up', '-d', '--force-recreate').exit).toBe(0);
    expect(log()).toBe('one then two then');
    expect(await project.states()).toEqual({ 'a-1': 'running', 'a-2': 'running' });
    project.write({ 'compose.yaml': file('two').replace('echo then', 'exit 17') });
    expect(project.compose('up', '-d', '--force-recreate')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('a pre_start[1] exited with status 17'),
    });
  });

  test('a provider brings a service: its options arrive, its variables reach dependents, down tells it', () => {
    project.write({
      'bin/dbaas': `#!/bin/sh
echo "$*" >> "$CALLS"
case "$2" in metadata) exit 1;; esac
case "$3" in
  up) echo '{"type":"info","message":"making a database"}'; echo '{"type":"debug","message":"x"}'
      echo '{"type":"setenv","message":"URL=db://it?a=b"}';;
esac
`,
      'bin/broken': `#!/bin/sh\necho '{"type":"error","message":"no quota left"}'\nexit 1\n`,
      'compose.yaml': `
services:
  web:
    image: busybox:latest
    command: sh -c 'echo $$DATABASE_URL'
    depends_on: [database]
  database:
    provider: {type: dbaas, options: {size: 10, tier: [a, b]}}
`,
      'broken.yaml': 'services: {x: {provider: {type: broken}}}\n',
    });
    for (const name of ['dbaas', 'broken']) chmodSync(join(project.dir, 'bin', name), 0o755);
    const calls = join(project.dir, 'calls');
    const variables = { PATH: `${join(project.dir, 'bin')}:${process.env.PATH}`, CALLS: calls };
    const compose = (...args: string[]) => project.composeWith(variables, ...args);
    expect(compose('up')).toMatchObject({ exit: 0, stdout: expect.stringContaining('web-1  | db://it?a=b\n') });
    expect(compose('down').exit).toBe(0);
    const lines = readFileSync(calls, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('compose --project'));
    expect(lines).toEqual([
      `compose --project-name=${project.name} up --size=10 --tier=a --tier=b database`,
      `compose --project-name=${project.name} down --size=10 --tier=a --tier=b database`,
    ]);
    expect(compose('-f', 'broken.yaml', 'up', '-d')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('no quota left'),
    });
  });

  // Docker Engine takes no files into a container that will be read-only.
  test('files of every kind have their owner and mode, with our engine also in a read-only service', () => {
    project.write({
      'key.txt': 'file',
      'compose.yaml': `
services:
  a:
    image: busybox:latest
    read_only: ${ours}
    command: sh -c 'cd /run/secrets && cat one two && cat /three /four && stat -c "%u %g %a" one two /three /four; touch /x'
    secrets: [{source: one, uid: "5", gid: "6", mode: 0400}, {source: two, mode: 0440}]
    configs: [{source: three, target: /three, uid: "7", mode: 0444}, {source: four, target: /four}]
secrets: {one: {file: ./key.txt}, two: {environment: WORD}}
configs: {three: {content: "text"}, four: {environment: WORD}}
`,
    });
    const up = project.composeWith({ WORD: 'env' }, 'up', '--no-log-prefix');
    expect(up.stdout).toContain('fileenvtextenv5 6 400\n0 0 440\n7 0 444\n0 0 444\n');
  });
});
