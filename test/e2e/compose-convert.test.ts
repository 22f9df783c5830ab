import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeOnEngines } from '../support/compose-engines.ts';
import type { DockerProject } from '../support/docker-engine.ts';

describeOnEngines('compose files into and out of other forms', (make) => {
  let project: DockerProject;
  beforeAll(() => {
    project = make('forms');
    project.write({
      'compose.yaml': `
services:
  web:
    image: busybox:latest
    command: sh -c 'sleep 1000'
    init: true
    environment: {PRICE: "5$$"}
    volumes: ["data:/data", ".:/here:ro"]
    networks: {back: {aliases: [site]}}
    healthcheck: {test: "true", interval: 90s}
    deploy: {replicas: 2}
    secrets: [word]
networks: {back: {}}
volumes: {data: {}}
secrets: {word: {file: word.txt}}
`,
      'word.txt': 'whispered\n',
      'transformer/Dockerfile': `FROM busybox:latest
LABEL com.docker.compose.bridge=transformation
COPY templates /templates
CMD ["sh", "-c", "cp /in/compose.yaml /out/model.yaml; ls /templates; exit 3"]
`,
      'transformer/templates/of-the-image': '',
      'own/of-mine': '',
    });
  });
  afterAll(() => project.dispose());

  test('alpha generate prints a file that changes nothing about the containers it was made from', () => {
    expect(project.compose('up', '-d')).toMatchObject({ exit: 0 });
    const ids = project.compose('ps', '-q').stdout.split('\n').filter(Boolean);
    const told = ['--name', project.name, '--project-dir', project.dir];
    const { stdout } = project.compose('alpha', 'generate', ...told, ...ids);
    project.write({ 'generated.yaml': stdout });
    expect(stdout).toMatch(/scale: 2[\s\S]*source: \.\n/);
    const plan = project.compose('-f', 'generated.yaml', 'up', '-d', '--dry-run').stdout;
    expect(plan).toBe('nothing to do\n');
    expect(project.compose('alpha', 'generate', 'nosuch')).toMatchObject({ exit: 1 });
  });

  test('bridge hands the project, with its secrets, to a transformer and writes what it makes', () => {
    const tag = `${project.name}-transformer`;
    project.write({ 'build.yaml': `services: {t: {image: "${tag}", build: transformer}}\n` });
    expect(project.compose('-f', 'build.yaml', 'build')).toMatchObject({ exit: 0 });
    const convert = ['bridge', 'convert', '-t', tag];
    expect(project.compose(...convert)).toMatchObject({ exit: 3, stdout: 'of-the-image\n' });
    expect(readFileSync(join(project.dir, 'out/model.yaml'), 'utf8')).toMatch(/content: \|\n +whispered/);
    expect(project.compose(...convert, '--templates', 'own').stdout).toBe('of-mine\n');
    expect(project.compose(...convert, '-o', '.').stderr).toContain('lies in it');
    expect(project.compose('bridge', 'transformations', 'list', '-q').stdout).toContain(`${tag}:latest`);
    expect(project.compose('bridge', 'transformations', 'create', 'mine', '-f', tag).exit).toBe(0);
    expect(existsSync(join(project.dir, 'mine/templates/of-the-image'))).toBe(true);
    expect(project.compose('-f', 'build.yaml', 'down', '--rmi', 'local').exit).toBe(0);
    expect(project.compose('bridge', 'transformations', 'list', '-q').stdout).not.toContain(tag);
  });
});
