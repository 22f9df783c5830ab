import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOnEngines, idle } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';

describeOnEngines('commands on a running project', (make) => {
  let project: DockerProject;
  const inside = (service: string, ...command: string[]) => project.compose('exec', '-T', service, ...command);
  const file = (name: string) => join(project.dir, name);

  beforeAll(() => {
    project = make('cmd');
    project.write({
      'compose.yaml': `
services:
  web:
    image: busybox:latest
    scale: 2
    ${idle}
    volumes: ["data:/data"]
  db:
    image: busybox:latest
    ${idle}
volumes: {data: {}}
`,
      hello: 'hello\n',
    });
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
  });
  afterAll(() => project.dispose());

  test('cp brings a file into every replica, out of one, and from service to service', () => {
    expect(project.compose('cp', 'hello', 'web:/tmp/')).toMatchObject({ exit: 0, stdout: '' });
    expect(project.compose('exec', '-T', '--index', '2', 'web', 'cat', '/tmp/hello').stdout).toBe('hello\n');
    expect(project.compose('cp', 'web:/tmp/hello', 'back').exit).toBe(0);
    expect(readFileSync(file('back'), 'utf8')).toBe('hello\n');
    expect(project.compose('cp', 'web:/tmp/hello', 'db:/tmp/renamed').exit).toBe(0);
    expect(inside('db', 'cat', '/tmp/renamed').stdout).toBe('hello\n');
    expect(project.compose('cp', 'web:/tmp', 'db:/tmp/whole').exit).toBe(0);
    expect(inside('db', 'cat', '/tmp/whole/hello').stdout).toBe('hello\n');
  });

  test('cp says what it cannot do with exit code 1, and with --dry-run only what it would', () => {
    expect(project.compose('cp', 'web:/nope', '.')).toMatchObject({ exit: 1 });
    expect(project.compose('cp', '--index', '7', 'hello', 'web:/')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('no container #7'),
    });
    expect(project.compose('cp', 'hello', 'nobody:/').stderr).toContain('no such service: nobody');
    expect(project.compose('cp', '--dry-run', 'hello', 'db:/tmp/dry').stdout).toContain('would copy hello to');
    expect(inside('db', 'test', '-e', '/tmp/dry').exit).toBe(1);
  });

  test('commands that Docker has, too, are for the project where that can be meant only', () => {
    const said = project.iechor;
    expect(said('exec', '-T', 'db', 'echo', 'inside').stdout).toBe('inside\n');
    expect(said('exec', 'db', 'echo', 'inside').stdout).toBe('inside\n');
    expect(said('logs').exit).toBe(0);
    expect(said('config', '--services').stdout).toBe('db\nweb\n');
    expect(said('-f', 'compose.yaml', 'ps', '-q').stdout.trim().split('\n')).toHaveLength(3);
    expect(said('--dry-run', 'rmi', 'busybox')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('--dry-run'),
    });
    expect(said('stop')).toMatchObject({ exit: 1, stderr: expect.stringContaining('iechor compose stop') });
    expect(said('stop', 'db').stderr).toContain('db is a service');
    expect(project.compose('ps', '-q').stdout.trim().split('\n')).toHaveLength(3);
  });

  test('volumes and stats list what belongs to the project, or to a service', () => {
    const name = `${project.name}_data`;
    expect(project.compose('volumes', '-q').stdout).toBe(`${name}\n`);
    expect(JSON.parse(project.compose('volumes', '--format', 'json').stdout)).toMatchObject({ Name: name });
    expect(project.compose('volumes', '-q', 'db').stdout).toBe('');
    const rows = project.compose('stats', '--no-stream', '--format', '{{.Name}}', 'web').stdout.trim().split('\n');
    expect(rows.sort()).toEqual([`${project.name}-web-1`, `${project.name}-web-2`]);
  });

  test('events tells of the containers of the project, as JSON without labels of Compose', () => {
    expect(project.compose('restart', '-t', '1', 'db').exit).toBe(0);
    const lines = project
      .compose('events', '--json', '--since', '30m', '--until', '0s', 'db')
      .stdout.trim()
      .split('\n');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ action }) => action)).toEqual(expect.arrayContaining(['start', 'die', 'restart']));
    for (const event of events) expect(event).toMatchObject({ service: 'db', type: 'container' });
    expect(lines.join('')).not.toContain('com.docker.compose');
  });

  test('export writes the file system, commit makes an image that runs', () => {
    inside('db', 'sh', '-c', 'echo kept > /kept');
    expect(project.compose('export', '-o', 'db.tar', 'db').exit).toBe(0);
    expect(readFileSync(file('db.tar')).includes('kept')).toBe(true);
    const image = `${project.name}-made:1`;
    expect(project.compose('commit', '-c', 'LABEL made=yes', 'db', image)).toMatchObject({ exit: 0 });
    writeFileSync(file('other.yaml'), `services: {made: {image: "${image}", pull_policy: never}}\n`);
    expect(project.compose('-f', 'other.yaml', 'run', '--rm', '-T', 'made', 'cat', '/kept').stdout).toBe('kept\n');
  });

  test('run takes capabilities and variables from a file', () => {
    project.write({ 'run.env': 'WORD=two words\n' });
    const flags = [
      '--rm',
      '-T',
      '--no-deps',
      '--env-from-file',
      'run.env',
      '--cap-drop',
      'ALL',
      '--cap-add',
      'NET_RAW',
    ];
    const ran = project.compose('run', ...flags, 'web', 'sh', '-c', 'echo $WORD; grep CapBnd /proc/self/status');
    expect(ran.stdout.split(/\s+/)).toEqual(['two', 'words', 'CapBnd:', '0000000000002000', '']);
  });

  test('wait gives the exit code of a service, and takes the project down with --down-project', async () => {
    const other = make('wait');
    try {
      other.write({
        'compose.yaml': `services:\n  job: {image: "busybox:latest", command: "sh -c 'sleep 1; exit 5'"}\n  web:\n    image: busybox:latest\n    ${idle}\n`,
      });
      expect(other.compose('up', '-d').exit).toBe(0);
      const waited = other.compose('wait', '--down-project', 'job', 'web');
      expect(waited.exit).toBe(5);
      expect(waited.stdout).toMatch(/^container "[0-9a-f]{64}" exited with status code 5\n$/);
      expect(await other.states()).toEqual({});
      expect(other.compose('wait', 'job')).toMatchObject({ exit: 1 });
    } finally {
      await other.dispose();
    }
  });

  test('attach shows what a container writes from now on, and hands on its exit code', async () => {
    const other = make('attach');
    try {
      other.write({
        'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    command: sh -c 'trap "echo bye; exit 6" TERM; while :; do echo tick; sleep 0.1; done'\n`,
      });
      expect(other.compose('up', '-d').exit).toBe(0);
      const attached = other.start('attach', '--no-stdin', 'a');
      await attached.until(/tick/);
      expect(await attached.end('SIGTERM')).toMatchObject({ exit: 6, stdout: expect.stringContaining('bye\n') });
      expect(other.compose('attach', 'a')).toMatchObject({ exit: 1, stderr: expect.stringContaining('not running') });
    } finally {
      await other.dispose();
    }
  });

  test('ps tells orphans apart, and kill --remove-orphans removes them', async () => {
    project.write({ 'less.yaml': `services:\n  db:\n    image: busybox:latest\n    ${idle}\n` });
    const services = (...args: string[]) =>
      project
        .compose('-f', 'less.yaml', 'ps', '--services', ...args)
        .stdout.trim()
        .split('\n');
    expect(services()).toEqual(['db', 'web']);
    expect(services('--orphans=false')).toEqual(['db']);
    expect(project.compose('-f', 'less.yaml', 'kill', '--remove-orphans', '-s', 'CONT').exit).toBe(0);
    expect(await project.states()).toEqual({ 'db-1': 'running' });
  });
});
