import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DockerRegistry, registryProgram, registryUser, startDockerRegistry } from '../support/docker-registry.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

describeWithContainers('names without a host, where another registry than docker.io is the default', () => {
  if (!registryProgram) {
    test.skip('this machine lacks docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let registry: DockerRegistry;
  let env: Record<string, string>;
  const iechor = (args: readonly string[], input = '') => engine.iechor(args, { env, input });

  beforeAll(async () => {
    engine = createPrivateEngine();
    registry = await startDockerRegistry(join(engine.dir, 'registry'), { login: true });
    env = { IECHOR_CONFIG: join(engine.dir, 'config'), IECHOR_DEFAULT_REGISTRY: registry.host };
    iechor(['info']);
    importBusybox(engine);
  });
  afterAll(async () => {
    await registry?.stop();
    engine.dispose();
  });

  test('login, push, pull, search, compose, build and inspect all go there', () => {
    const { username, password } = registryUser;
    expect(iechor(['login', '-u', username, '--password-stdin'], password)).toMatchObject({
      stdout: 'Login Succeeded\n',
    });
    iechor(['tag', 'busybox', 'team/app:1']);
    expect(iechor(['images', '--format', '{{.Repository}}', 'team/app']).stdout).toBe('team/app\n');
    expect(iechor(['push', 'team/app:1']).stdout).toContain(
      `The push refers to repository [${registry.host}/team/app]`,
    );
    iechor(['rmi', 'team/app:1']);
    expect(iechor(['pull', '-q', 'team/app:1']).stdout).toBe(`${registry.host}/team/app:1\n`);
    expect(iechor(['search', '--format', '{{.Name}}', 'app']).stdout).toBe(`${registry.host}/team/app\n`);

    const project = join(engine.dir, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'compose.yaml'), 'services: {a: {image: team/app:1}}\n');
    writeFileSync(join(project, 'iEchorfile'), 'FROM team/app:1\nRUN true\n');
    iechor(['rmi', 'team/app:1']);
    expect(iechor(['compose', '--project-directory', project, 'pull'])).toMatchObject({ exit: 0 });
    const pinned = iechor(['compose', '--project-directory', project, 'config', '--resolve-image-digests']);
    expect(pinned.stdout).toContain(`image: ${registry.host}/team/app:1@sha256:`);
    iechor(['rmi', 'team/app:1']);
    expect(iechor(['build', '-q', '-t', 'made', project])).toMatchObject({ exit: 0 });
    expect(iechor(['image', 'inspect', '-f', '{{json .RepoTags}}', `${registry.host}/made`]).stdout).toBe(
      '["made:latest"]\n',
    );
    expect(iechor(['manifest', 'inspect', 'team/app:1']).stdout).toContain('"schemaVersion": 2');
    expect(iechor(['distribution', 'inspect', '-f', '{{.Descriptor.digest}}', 'team/app:1']).stdout).toMatch(
      /^sha256:[0-9a-f]{64}\n$/,
    );
    expect(iechor(['info', '--format', '{{.IndexServerAddress}}']).stdout.trim()).toBe(registry.host);
    expect(iechor(['logout']).stdout).toBe(`Removing login credentials for ${registry.host}\n`);
  });
});
