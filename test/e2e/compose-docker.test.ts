import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDockerProject, type DockerProject, describeWithDocker } from '../support/docker-engine.ts';
import { freePort } from '../support/free-port.ts';

/** Ends at once on SIGTERM. */
const idle = `command: sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'`;

describeWithDocker('a project on a real Docker Engine', (socket) => {
  let project: DockerProject;
  beforeEach(() => {
    project = createDockerProject(socket, 'shop');
  });
  afterEach(() => project.dispose());

  const shop = (level: string) => `
services:
  db:
    image: busybox:latest
    ${idle}
    healthcheck: {test: "true", interval: 200ms}
    volumes: ["data:/data", /cache]
    networks: {back: {aliases: [database]}}
  web:
    image: busybox:latest
    ${idle}
    environment: {LEVEL: ${level}}
    depends_on: {db: {condition: service_healthy}}
    volumes: [/cache]
    networks: [back]
networks: {back: {}}
volumes: {data: {}}
`;
  const ids = () => project.compose('ps', '-q').stdout.trim().split('\n').sort();

  test('up starts it in the order of health, again changes nothing, down removes all', async () => {
    project.write({ 'compose.yaml': shop('info') });
    const up = project.compose('up', '-d');
    expect(up).toMatchObject({ exit: 0, stdout: '' });
    expect(up.stderr).toContain('2 containers up (2 changed)');
    expect(await project.states()).toEqual({ 'db-1': 'running', 'web-1': 'running' });
    const before = ids();
    expect(project.compose('up', '-d').stderr).toMatch(/^2 containers up \(0 changed\)/);
    expect(ids()).toEqual(before);
    const [network] = await project.engine.networkList({ filters: { name: [`${project.name}_back`] } });
    const hash = createHash('sha256').update(`{"name":"${project.name}_back","ipam":{}}`).digest('hex');
    expect(network?.Labels['com.docker.compose.config-hash']).toBe(hash); // Docker Compose's own
    expect(project.compose('exec', '-T', 'web', 'nslookup', 'database').exit).toBe(0);
    expect(project.compose('down', '-v').exit).toBe(0);
    expect(await project.states()).toEqual({});
    const left = await project.engine.volumeList({ filters: { name: [project.name] } });
    expect(left.Volumes ?? []).toEqual([]);
  });

  test('a changed variable makes one container anew, says why, and keeps its anonymous volume', async () => {
    project.write({ 'compose.yaml': shop('info') });
    expect(project.compose('up', '-d').exit).toBe(0);
    expect(project.compose('exec', '-T', 'web', 'touch', '/cache/kept').exit).toBe(0);
    const database = project.compose('ps', '-q', 'db').stdout;
    project.write({ 'compose.yaml': shop('debug') });
    const plan = project.compose('up', '-d', '--dry-run');
    expect(plan.stdout).toMatch(/createContainer +container:web:1 +environment.LEVEL changed \(compose.yaml:\d+\)/);
    expect(plan.stdout).not.toContain('container:db:1');
    expect(project.compose('up', '-d').exit).toBe(0);
    expect(project.compose('ps', '-q', 'db').stdout).toBe(database);
    expect(project.compose('exec', '-T', 'web', 'sh', '-c', 'test -e /cache/kept && echo $LEVEL').stdout).toBe(
      'debug\n',
    );
    expect(project.compose('down', '-v').exit).toBe(0);
  });

  test('scale goes up and down, and an exited container comes back', async () => {
    project.write({ 'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    ${idle}\n` });
    expect(project.compose('up', '-d', '--scale', 'a=3').exit).toBe(0);
    expect(await project.states()).toEqual({ 'a-1': 'running', 'a-2': 'running', 'a-3': 'running' });
    expect(project.compose('scale', 'a=1').exit).toBe(0);
    expect(await project.states()).toEqual({ 'a-1': 'running' });
    expect(project.compose('stop').exit).toBe(0);
    expect(await project.states()).toEqual({ 'a-1': 'exited' });
    expect(project.compose('start').exit).toBe(0);
    expect(await project.states()).toEqual({ 'a-1': 'running' });
    expect(project.compose('pause').exit).toBe(0);
    expect(await project.states()).toEqual({ 'a-1': 'paused' });
    expect(project.compose('unpause').exit).toBe(0);
    expect(project.compose('restart', '-t', '1').exit).toBe(0);
    expect(project.compose('kill').exit).toBe(0);
    expect(project.compose('rm', '-f').exit).toBe(0);
    expect(await project.states()).toEqual({});
  });

  test('a failed dependency is named with its log, and all that was made is taken back', async () => {
    project.write({
      'compose.yaml': `
services:
  db:
    image: busybox:latest
    command: sh -c 'echo "no disk"; exit 3'
    healthcheck: {test: "true", interval: 10s}
  web:
    image: busybox:latest
    ${idle}
    depends_on: {db: {condition: service_healthy}}
    networks: [front]
networks: {front: {}}
`,
    });
    const up = project.compose('up', '-d');
    expect(up.exit).toBe(1);
    for (const part of ['exited (3)', 'no disk', 'held back: web']) expect(up.stderr).toContain(part);
    expect(await project.states()).toEqual({});
    expect(await project.engine.networkList({ filters: { name: [`${project.name}_`] } })).toEqual([]);
    expect(project.compose('up', '-d', '--keep-failed').exit).toBe(1);
    expect(await project.states()).toEqual({ 'db-1': 'exited', 'web-1': 'created' });
  });

  test('a replacement that fails is taken back, and what it replaced runs again with its port', async () => {
    const port = await freePort();
    const shop = (version: string) => `
services:
  db:
    image: busybox:latest
    command: sh -c 'if [ $$VERSION = bad ]; then echo "no disk"; exit 3; fi; exec sleep 1000'
    environment: {VERSION: ${version}}
    ports: ["127.0.0.1:${port}:80"]
    stop_signal: SIGKILL
    healthcheck: {test: "true", interval: 200ms}
    volumes: [/cache]
  web:
    image: busybox:latest
    ${idle}
    environment: {VERSION: ${version}}
    depends_on: {db: {condition: service_healthy}}
`;
    project.write({ 'compose.yaml': shop('good') });
    expect(project.compose('up', '-d').exit).toBe(0);
    const ids = () => project.compose('ps', '-aq', '--no-trunc').stdout.split('\n').sort();
    const before = ids();
    project.write({ 'compose.yaml': shop('bad') });
    const up = project.compose('up', '-d');
    expect(up).toMatchObject({ exit: 1, stderr: expect.stringContaining('-db-1, ') });
    expect(up.stderr).toMatch(/taken back; \S+-db-1, \S+-web-1 run again as before/);
    expect(ids()).toEqual(before);
    expect(await project.states()).toEqual({ 'db-1': 'running', 'web-1': 'running' });
    expect(project.compose('port', 'db', '80').stdout).toBe(`127.0.0.1:${port}\n`);
  });

  test('exec and run hand on exit codes and input; one-off containers go away', async () => {
    project.write({ 'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    ${idle}\n` });
    expect(project.compose('up', '-d').exit).toBe(0);
    expect(project.compose('exec', '-T', 'a', 'sh', '-c', 'exit 5').exit).toBe(5);
    expect(project.compose('run', '--rm', '-e', 'X=1', 'a', 'sh', '-c', 'echo $X; exit 4')).toMatchObject({
      exit: 4,
      stdout: '1\n',
    });
    expect(project.compose('exec', 'b', 'true')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('no such service: b'),
    });
    expect(await project.states()).toEqual({ 'a-1': 'running' });
  });

  test('logs come in the order of time, with prefixes, and by tail', async () => {
    project.write({
      'compose.yaml': `
services:
  one: {image: "busybox:latest", command: "sh -c 'echo 1; : > /s/1; until [ -e /s/2 ]; do sleep 0.1; done; echo 3; : > /s/3'", volumes: ["turns:/s"]}
  two: {image: "busybox:latest", command: "sh -c 'until [ -e /s/1 ]; do sleep 0.1; done; echo 2; : > /s/2; until [ -e /s/3 ]; do sleep 0.1; done; echo 4'", volumes: ["turns:/s"]}
volumes: {turns: {}}
`,
    });
    const followed = project.compose('up');
    expect(followed.exit).toBe(0);
    const lines = project.compose('logs', '--no-log-prefix').stdout.trim().split('\n');
    expect(lines).toEqual(['1', '2', '3', '4']);
    expect(project.compose('logs', '--tail', '1', 'two').stdout).toBe('two-1  | 4\n');
    for (const part of ['one-1  | 1', 'one-1 exited with code 0']) expect(followed.stdout).toContain(part);
  });

  test('Ctrl-C stops the containers of an attached up and ends with 130', async () => {
    project.write({
      'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    command: sh -c 'trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.1; done'\n`,
    });
    const ended = await project.interrupted(['up'], /ready/);
    expect(ended.exit).toBe(130);
    expect(ended.stdout).toContain('bye');
    expect(await project.states()).toEqual({ 'a-1': 'exited' });
  });

  test('--exit-code-from gives the exit code of its service and stops the rest', async () => {
    project.write({
      'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    ${idle}\n  t:\n    image: busybox:latest\n    command: sh -c 'sleep 0.5; exit 7'\n`,
    });
    expect(project.compose('up', '--exit-code-from', 't').exit).toBe(7);
    expect(await project.states()).toEqual({ 'a-1': 'exited', 't-1': 'exited' });
  });

  test('secrets and configs arrive read-only, with owner and mode', () => {
    project.write({
      'key.txt': 'from file',
      'compose.yaml': `
services:
  a:
    image: busybox:latest
    ${idle}
    secrets: [plain, {source: owned, target: own, uid: "1000", gid: "1001", mode: 0400}]
    configs: [{source: text, target: /etc/app.conf}]
secrets: {plain: {file: ./key.txt}, owned: {file: ./key.txt}}
configs: {text: {content: "a=1"}}
`,
    });
    expect(project.compose('up', '-d').exit).toBe(0);
    const shown = project.compose(
      'exec',
      '-T',
      'a',
      'sh',
      '-c',
      'cat /run/secrets/plain /etc/app.conf; stat -c "%u %g %a" /run/secrets/own; touch /run/secrets/plain',
    );
    expect(shown.stdout).toBe('from filea=11000 1001 400\n');
    expect(shown.exit).not.toBe(0);
  });

  test('a build comes first and carries its arguments; --build makes the container anew when the image changed', () => {
    project.write({
      'web/Dockerfile': 'FROM busybox:latest\nARG WORD=none\nRUN echo $WORD > /word\nCOPY page /page\n',
      'web/page': 'one',
      'compose.yaml': `services:\n  web:\n    build: {context: ./web, args: {WORD: hello}}\n    ${idle}\n`,
    });
    expect(project.compose('up', '-d').exit).toBe(0);
    expect(project.compose('exec', '-T', 'web', 'cat', '/word', '/page').stdout).toBe('hello\none');
    project.write({ 'web/page': 'two' });
    expect(project.compose('up', '-d', '--build').exit).toBe(0);
    expect(project.compose('exec', '-T', 'web', 'cat', '/page').stdout).toBe('two');
    expect(project.compose('down', '--rmi', 'local').exit).toBe(0);
  });

  test('a port that is taken names its holder before anything is created', async () => {
    const port = await freePort();
    project.write({
      'compose.yaml': `services:\n  a:\n    image: busybox:latest\n    ${idle}\n    ports: ["127.0.0.1:${port}:80"]\n`,
    });
    expect(project.compose('up', '-d').exit).toBe(0);
    expect(project.compose('port', 'a', '80').stdout).toBe(`127.0.0.1:${port}\n`);
    const other = createDockerProject(socket, 'other');
    try {
      other.write({ 'compose.yaml': `services:\n  b:\n    image: busybox:latest\n    ports: ["${port}:80"]\n` });
      const up = other.compose('up', '-d');
      expect(up).toMatchObject({ exit: 1, stderr: expect.stringContaining(`${project.name}-a-1`) });
      expect(await other.states()).toEqual({});
    } finally {
      await other.dispose();
    }
  });

  test('down works from the name alone', async () => {
    project.write({ 'compose.yaml': shop('info') });
    expect(project.compose('up', '-d').exit).toBe(0);
    project.write({ 'compose.yaml': 'not: [valid' });
    expect(project.compose('-p', project.name, 'down', '-v').exit).toBe(0);
    expect(await project.states()).toEqual({});
  });
});
