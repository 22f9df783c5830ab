import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DockerRegistry, registryProgram, startDockerRegistry } from '../support/docker-registry.ts';
import { programPath } from '../support/machine.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';

/** A command that runs podman where the files of this machine are, or `podman` on PATH. */
const podman = process.env.IECHOR_TEST_PODMAN_CLI ?? programPath('podman');

describeWithContainers('images to and from podman', () => {
  if (!podman || !registryProgram) {
    console.warn('SKIPPED: images to and from podman: needs podman (or IECHOR_TEST_PODMAN_CLI) and docker-registry');
    test.skip('this machine lacks podman or docker-registry', () => {});
    return;
  }
  let engine: PrivateEngine;
  let registry: DockerRegistry;
  let made: string;
  const byPodman = (...args: readonly string[]): string => {
    const [program = '', ...rest] = podman.split(' ');
    const ran = spawnSync(program, [...rest, ...args], { encoding: 'utf8' });
    if (ran.status !== 0) throw new Error(`podman ${args.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  const digestsOf = (name: string) =>
    engine.iechor(['image', 'inspect', '-f', '{{join .RepoDigests " "}}', name]).stdout.trim();

  beforeAll(async () => {
    engine = createPrivateEngine();
    importBusybox(engine);
    registry = await startDockerRegistry(join(engine.dir, 'registry'));
    const ours = `${registry.host}/ours:1`;
    made = `${registry.host}/podmans`;
    engine.iechor(['tag', 'busybox', ours]);
    engine.iechor(['push', '-q', ours]);
    const context = join(engine.dir, 'context');
    mkdirSync(context);
    writeFileSync(join(context, 'note'), 'by podman\n');
    writeFileSync(join(context, 'Containerfile'), `FROM ${ours}\nCOPY note /note\nCMD ["cat", "/note"]\n`);
    byPodman('pull', '-q', '--tls-verify=false', ours);
    byPodman('build', '-q', '--tls-verify=false', '-f', join(context, 'Containerfile'), '-t', `${made}:1`, context);
  });
  afterAll(async () => {
    byPodman('rmi', '-f', `${made}:1`, `${registry.host}/ours:1`);
    await registry?.stop();
    engine.dispose();
  });

  test('podman runs what we push, under the digest that we have for it', () => {
    const ours = `${registry.host}/ours:1`;
    expect(byPodman('run', '--rm', '--network', 'none', ours, 'echo', 'hello')).toBe('hello');
    expect(digestsOf(ours)).toContain(byPodman('image', 'inspect', '-f', '{{.Digest}}', ours));
  });

  test.each([
    ['oci', 'gzip'],
    ['v2s2', 'gzip'],
    ['oci', 'zstd'],
  ])('we run what podman pushes as %s with %s, and push it on unchanged', (format, compression) => {
    const name = `${made}:${format}-${compression}`;
    const file = join(engine.dir, `digest-${format}-${compression}`);
    const how = ['--tls-verify=false', '--format', format, '--compression-format', compression];
    byPodman('push', '-q', ...how, '--digestfile', file, `${made}:1`, name);
    expect(engine.iechor(['pull', '-q', name]).exit).toBe(0);
    expect(engine.iechor(['run', '--rm', name]).stdout).toBe('by podman\n');
    const there = digestsOf(name);
    engine.iechor(['tag', name, `${registry.host}/on:1`]);
    expect(engine.iechor(['push', '-q', `${registry.host}/on:1`]).exit).toBe(0);
    expect(digestsOf(name)).toContain(`${registry.host}/on@${there.split('@')[1]}`);
    engine.iechor(['rmi', name, `${registry.host}/on:1`]);
  });

  test.each(['docker-archive', 'oci-archive'])('we load what podman saves as %s, and podman what we save', (format) => {
    const [theirs, ours] = [join(engine.dir, `${format}.tar`), join(engine.dir, `our-${format}.tar`)];
    byPodman('save', '-q', '--format', format, '-o', theirs, `${made}:1`);
    expect(engine.iechor(['load', '-i', theirs]).stdout).toBe(`Loaded image: ${made}:1\n`);
    expect(engine.iechor(['run', '--rm', `${made}:1`]).stdout).toBe('by podman\n');
    expect(engine.iechor(['save', '-o', ours, `${made}:1`]).exit).toBe(0);
    const id = byPodman('image', 'inspect', '-f', '{{.Id}}', `${made}:1`);
    expect(byPodman('load', '-q', '-i', ours)).toContain(`${made}:1`);
    expect(byPodman('image', 'inspect', '-f', '{{.Id}}', `${made}:1`)).toBe(id);
    engine.iechor(['rmi', `${made}:1`]);
  });
});
