import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOnEngines, idle } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';

const provider = `#!/bin/sh
shift; case $1 in metadata) echo '{"up":{"parameters":[]},"down":{"parameters":[]},"stop":{"parameters":[]}}'; exit;; esac
case $2 in
up) echo '{"type":"setenv","message":"URL=cloud://a"}'; echo '{"type":"rawsetenv","message":"REGION=north"}';;
stop) : > stopped;;
esac
`;

describeOnEngines('what scripts written for Docker Compose rely on', (make) => {
  let project: DockerProject;
  const printed = (...args: string[]) => project.compose('run', '--rm', '-T', ...args).stdout;

  beforeAll(() => {
    project = make('same');
    project.write({
      'compose.yaml': `
services:
  web: {image: "busybox:latest", ${idle}}
  twin: {image: "busybox:latest", container_name: "\${COMPOSE_PROJECT_NAME}-one", ${idle}}
  other: {image: "busybox:latest", container_name: "\${COMPOSE_PROJECT_NAME}-one", ${idle}}
  lost: {image: "busybox:latest", env_file: [missing.env], ${idle}}
  tool: {image: "busybox:latest", profiles: [tools], env_file: [tool.env], environment: [OWN=file], command: env}
  hasty: {image: "busybox:latest", healthcheck: {test: "true", start_interval: 1s}}
  asking: {image: "busybox:latest", command: env, models: {llm: , big-one: {endpoint_var: BIG, model_var: WHICH}}}
  unserved: {image: "busybox:latest", models: [small]}
  cloudy: {image: "busybox:latest", command: env, environment: {REGION: south}, depends_on: [cloud]}
  cloud: {provider: {type: cloud}}
models:
  llm: {model: ai/llm, x-iechor: {endpoint: "http://10.0.0.1:8080/v1/"}}
  big-one: {model: ai/big, x-iechor: {endpoint: "http://10.0.0.1:8080/v1/"}}
  small: {model: ai/small}
`,
      '.env': 'FROM_DOTENV=dot\nCOMPOSE_REMOVE_ORPHANS=1\n',
      'tool.env': 'TOOL=read\n',
      'bin/cloud': provider,
    });
    chmodSync(join(project.dir, 'bin/cloud'), 0o755);
    expect(project.compose('up', '-d', 'web')).toMatchObject({ exit: 0 });
  });
  afterAll(() => project.dispose());

  test('run -e NAME hands on what the shell or .env has, and changes nothing where neither does', () => {
    const lines = printed('-e', 'FROM_DOTENV', '-e', 'OWN', '-e', 'NOWHERE', 'tool').split('\n');
    expect(lines).toEqual(expect.arrayContaining(['FROM_DOTENV=dot', 'OWN=file', 'TOOL=read']));
    expect(lines.filter((line) => line.startsWith('NOWHERE'))).toEqual([]);
  });

  test('run -d keeps standard input open, and exec reaches the container of run where the service has none', async () => {
    expect(project.compose('run', '-d', '--name', `${project.name}-alone`, 'tool', 'cat').exit).toBe(0);
    expect(project.compose('exec', '-T', 'tool', 'ps').stdout).toMatch(/ cat$/m);
    expect(project.compose('exec', '-T', '--index', '1', 'tool', 'ps')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('service "tool" is not running container #1'),
    });
    const [alone] = await project.engine.containerList({ filters: { name: [`${project.name}-alone`] } });
    expect(alone?.Labels).not.toHaveProperty('com.docker.compose.container-number');
    expect(project.compose('kill', 'tool')).toMatchObject({ exit: 0 });
    await project.engine.containerRemove({ id: alone?.Id ?? '', force: true });
  });

  test('run refuses flags that exclude each other, and a terminal where standard input is none', () => {
    expect(project.compose('run', '-P', '-p', '1:1', 'tool').stderr).toContain('--publish are incompatible');
    expect(project.compose('run', '-it', 'tool').stderr).toContain('stdin is not a terminal');
    expect(project.compose('--bogus', 'ps')).toMatchObject({ exit: 1, stderr: expect.stringContaining('--bogus') });
  });

  test('a service that is not meant may lack its env_file, or have the container name of another one', () => {
    expect(project.compose('ps', '-q', 'web')).toMatchObject({ exit: 0 });
    expect(project.compose('up', '-d', 'twin')).toMatchObject({ exit: 0 });
    expect(project.compose('rm', '-sf', 'twin').stdout).toBe(`Going to remove ${project.name}-one\n`);
    expect(project.compose('up', '-d', 'lost').stderr).toContain('missing.env not found');
    expect(project.compose('up', '-d', 'twin', 'other').stderr).toContain('is already in use by service');
  });

  test('pause of what is paused, and start_interval without start_period, are refused', () => {
    expect(project.compose('pause', 'web').exit).toBe(0);
    expect(project.compose('pause', 'web')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('already paused'),
    });
    expect(project.compose('unpause', 'web').exit).toBe(0);
    expect(project.compose('up', '-d', 'hasty').stderr).toContain('start_period must be set');
  });

  test('run ends with 1 where its command cannot be started: other codes are those of commands', () => {
    const ran = project.compose('run', '--rm', '-T', 'tool', 'no-such-command');
    expect(ran).toMatchObject({ exit: 1, stderr: expect.stringContaining('executable file not found in $PATH') });
    expect(project.compose('run', '--rm', '-T', 'tool', 'sh', '-c', 'exit 127').exit).toBe(127);
  });

  test('stop tells of what has ended already, too', () => {
    for (const _ of ['running', 'stopped']) {
      expect(project.compose('stop', '-t', '0', 'web').stderr).toContain(`Container ${project.name}-web-1  Stopped`);
    }
  });

  test('COMPOSE_REMOVE_ORPHANS of .env takes away what run has left', async () => {
    expect(project.compose('run', '-T', '--name', `${project.name}-left`, 'tool', 'true').exit).toBe(0);
    expect(project.compose('up', '-d', 'web').exit).toBe(0);
    expect(await project.states()).toEqual({ 'web-1': 'running' });
  });

  test('models are variables where the file says who serves them, and refused by name where nobody does', () => {
    const lines = printed('asking').split('\n');
    const url = 'http://10.0.0.1:8080/v1/';
    expect(lines).toEqual(expect.arrayContaining([`LLM_URL=${url}`, 'LLM_MODEL=ai/llm', `BIG=${url}`, 'WHICH=ai/big']));
    expect(project.composeWith({ DOCKER_CONFIG: project.dir }, 'up', '-d', 'unserved')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('model small: there is no runner of models here'),
    });
  });

  test('a provider sets variables with and without its name, and hears of stop', () => {
    const variables = { PATH: `${join(project.dir, 'bin')}:${process.env.PATH}` };
    const ran = project.composeWith(variables, 'run', '--rm', '-T', 'cloudy');
    expect(ran.stdout.split('\n')).toEqual(expect.arrayContaining(['CLOUD_URL=cloud://a', 'REGION=north']));
    expect(ran.stderr).toContain('overrides environment variable "REGION"');
    expect(project.composeWith(variables, 'stop', 'cloud').exit).toBe(0);
    expect(existsSync(join(project.dir, 'stopped'))).toBe(true);
  });

  test('start brings what a service depends on, too, and a dependency that is not required may fail', async () => {
    const other = make('deps');
    try {
      other.write({
        'compose.yaml': `
services:
  web: {image: "busybox:latest", ${idle}, depends_on: {db: {condition: service_started}, extra: {condition: service_healthy, required: false}}}
  db: {image: "busybox:latest", ${idle}, volumes: ["data:/data"]}
  extra: {image: "busybox:latest", ${idle}}
  alone: {image: "busybox:latest", ${idle}}
volumes: {data: {name: "\${COMPOSE_PROJECT_NAME}-\${WHICH:-one}"}}
`,
      });
      const up = other.compose('up', '-d');
      expect(up).toMatchObject({ exit: 0, stderr: expect.stringContaining('optional dependency "extra" failed') });
      expect(other.compose('stop').exit).toBe(0);
      expect(other.compose('start', 'web').exit).toBe(0);
      expect(await other.states()).toEqual({
        'web-1': 'running',
        'db-1': 'running',
        'extra-1': 'running',
        'alone-1': 'exited',
      });
      expect(other.composeWith({ WHICH: 'two' }, 'up', '-d', 'db').exit).toBe(0);
      const [db] = await other.engine.containerList({ filters: { name: [`${other.name}-db-1`] } });
      expect(db?.Mounts?.map(({ Name }) => Name)).toEqual([`${other.name}-two`]);
    } finally {
      await other.dispose();
    }
  });

  test('pull goes by the pull_policy of services, and asks again for what is tagged latest', () => {
    const other = make('pulls');
    other.write({
      'compose.yaml': `
services:
  latest: {image: "busybox:latest", pull_policy: missing}
  never: {image: "busybox:never", pull_policy: never}
  absent: {image: "busybox:absent", pull_policy: missing}
  built: {image: "busybox:built", build: .}
  unnamed: {build: .}
`,
    });
    const pulled = (...flags: string[]) =>
      [...other.compose('pull', '--dry-run', ...flags).stdout.matchAll(/image:(\w+)/g)].map(([, name]) => name).sort();
    expect(pulled()).toEqual(['absent', 'built', 'latest']);
    expect(pulled('--ignore-buildable', '--policy', 'always')).toEqual(['absent', 'latest', 'never']);
    return other.dispose();
  });

  test('secrets of an included project take variables of its env_file', async () => {
    const other = make('include');
    try {
      other.write({
        'compose.yaml': 'include: [{path: sub/compose.yaml, env_file: [sub.env]}]\n',
        'sub.env': 'HIDDEN=whispered\n',
        'sub/compose.yaml':
          'services: {told: {image: "busybox:latest", command: cat /run/secrets/word, secrets: [word]}}\nsecrets: {word: {environment: HIDDEN}}\n',
      });
      expect(other.compose('run', '--rm', '-T', 'told')).toMatchObject({ exit: 0, stdout: 'whispered' });
    } finally {
      await other.dispose();
    }
  });

  test('stop, kill, logs and rm without names leave alone what another file of the project has', async () => {
    const other = make('files');
    try {
      const service = (name: string) => `services: {${name}: {image: "busybox:latest", ${idle}}}\n`;
      other.write({
        'compose.yaml': service('one'),
        'more.yaml': service('two'),
        '.env': 'COMPOSE_REMOVE_ORPHANS=1\n',
      });
      expect(other.compose('up', '-d').exit).toBe(0);
      expect(other.composeWith({ COMPOSE_REMOVE_ORPHANS: '0' }, '-f', 'more.yaml', 'up', '-d').exit).toBe(0);
      expect(other.compose('-f', 'more.yaml', 'stop', '-t', '0').exit).toBe(0);
      expect(await other.states()).toEqual({ 'one-1': 'running', 'two-1': 'exited' });
      expect(other.compose('-f', 'more.yaml', 'rm', '-sf').stdout).toBe(`Going to remove ${other.name}-two-1\n`);
      expect(other.compose('-f', 'more.yaml', 'down', '-t', '0').exit).toBe(0);
      expect(await other.states()).toEqual({});
    } finally {
      await other.dispose();
    }
  });
});
