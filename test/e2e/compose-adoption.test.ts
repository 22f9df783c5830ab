import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { idle } from '../support/compose-engines.ts';
import { createDockerProject, type DockerProject, dockerSocket } from '../support/docker-engine.ts';

/** Docker's client with its compose plugin, on the engine of `dockerSocket`. */
const client = process.env.IECHOR_TEST_DOCKER_CLI?.split(' ').filter(Boolean);
const socket = dockerSocket();
const ready = client !== undefined && socket !== undefined;
if (!ready)
  console.warn('SKIPPED: adoption: no docker compose here (IECHOR_TEST_DOCKER_CLI, IECHOR_TEST_DOCKER_SOCKET)');

(ready ? describe : describe.skip)('a project that Docker Compose has too', () => {
  let project: DockerProject;
  const docker = (...args: string[]) => {
    const [program = 'docker', ...words] = client ?? [];
    const own = ['compose', '-p', project.name, '-f', `${project.dir}/compose.yaml`, ...args];
    const { status, stdout, stderr } = spawnSync(program, [...words, ...own], { encoding: 'utf8', timeout: 120_000 });
    return { exit: status, stdout, stderr };
  };
  const ids = () => project.compose('ps', '-q').stdout.trim().split('\n').sort();

  beforeEach(() => {
    project = createDockerProject(socket ?? '', 'adopt');
    project.write({
      'key.txt': 'secret',
      'compose.yaml': `
services:
  web:
    image: busybox:latest
    scale: 2
    ${idle}
    environment: {A: "1"}
    ports: ["80"]
    volumes: ["data:/data", /anonymous, "./key.txt:/key:ro"]
    depends_on: {db: {condition: service_healthy}}
    secrets: [key]
    configs: [{source: text, target: /text}]
    deploy: {resources: {limits: {memory: 64m}}}
    networks: {front: {aliases: [w]}}
    ulimits: {nofile: 1024}
  db:
    image: busybox:latest
    ${idle}
    healthcheck: {test: "true", interval: 1s}
    networks: [front, default]
volumes: {data: {}}
networks: {front: {labels: {l: "1"}}}
secrets: {key: {file: ./key.txt}}
configs: {text: {content: hello}}
`,
    });
  });
  afterEach(() => project.dispose());

  test('what docker compose made is adopted as it is, listed and taken down by us', async () => {
    expect(docker('up', '-d').exit).toBe(0);
    const made = ids();
    expect(made).toHaveLength(3);
    expect(project.compose('up', '-d', '--dry-run').stdout).toBe('nothing to do\n');
    expect(project.compose('up', '-d').stderr).toContain('(0 changed)');
    expect(ids()).toEqual(made);
    expect(project.compose('ls', '-q').stdout.split('\n')).toContain(project.name);
    expect(project.compose('down', '-v').exit).toBe(0);
    expect(docker('ps', '-aq').stdout).toBe('');
  });

  test('what we made is adopted by docker compose as it is, scaled and taken down by it', async () => {
    expect(project.compose('up', '-d').exit).toBe(0);
    const made = ids();
    expect(docker('up', '-d').exit).toBe(0);
    expect(ids()).toEqual(made);
    expect(docker('up', '-d', '--scale', 'web=3').exit).toBe(0);
    expect(project.compose('up', '-d').stderr).toContain('(1 changed)');
    expect(ids()).toEqual(made);
    expect(docker('down', '-v').exit).toBe(0);
    expect(await project.states()).toEqual({});
    expect(await project.engine.networkList({ filters: { name: [project.name] } })).toEqual([]);
  });
});
