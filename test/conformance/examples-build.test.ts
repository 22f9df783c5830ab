import { spawnSync } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { closeSync, cpSync, createReadStream, globSync, openSync, rmSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TarEntry } from '../../src/image/tar-format.ts';
import { createTarReader } from '../../src/image/tar-reader.ts';
import { dockerSocket } from '../support/docker-engine.ts';
import { missingForContainers, programPath } from '../support/machine.ts';
import { createPrivateEngine, type PrivateEngine } from '../support/private-engine.ts';

/** Docker's client on Docker's own engine: IECHOR_TEST_DOCKER_CLI, or `docker` on PATH with a socket. */
const given = process.env.IECHOR_TEST_DOCKER_CLI?.split(' ').filter(Boolean);
const socket = dockerSocket();
const client = given ?? (socket && programPath('docker') ? ['docker'] : []);
const lacking = [
  ...missingForContainers(),
  ...(client.length > 0 ? [] : ['a Docker Engine and its client (IECHOR_TEST_DOCKER_CLI)']),
  ...(process.env.IECHOR_TEST_OFFLINE === undefined ? [] : ['a package mirror (IECHOR_TEST_OFFLINE)']),
];
if (lacking.length > 0) console.warn(`SKIPPED: examples built by Docker: this machine lacks ${lacking.join(', ')}`);

/** What engines put in, and what packages make anew at each installation: logs, caches and keys. */
const volatile =
  /^(dev|proc|sys|run|tmp|var\/log|var\/cache|etc\/ssl)\/.|^(\.dockerenv|etc\/(hosts|hostname|resolv\.conf|mtab|machine-id|shadow-?))$/;

const files = globSync('examples/**/iEchorfile').sort();

(lacking.length > 0 ? describe.skip : describe)('Docker builds the examples', () => {
  const slow = 900_000;
  const prefix = `iechor-example-${process.pid}`;
  let engine: PrivateEngine;
  const docker = (...args: string[]): string => {
    const env = { ...process.env, ...(given ? {} : { DOCKER_HOST: `unix://${socket}` }) };
    const ran = spawnSync(client[0] ?? '', [...client.slice(1), ...args], { env, encoding: 'utf8', timeout: slow });
    if (ran.status !== 0) throw new Error(`docker ${args.join(' ')}: ${ran.stderr.slice(-2000)}`);
    return ran.stdout.trim();
  };
  const iechor = (...args: string[]): string => {
    const ran = engine.iechor(args, { cwd: resolve('.'), timeoutMs: slow });
    if (ran.exit !== 0) throw new Error(`iechor ${args.join(' ')}: ${ran.stderr.slice(-2000)}`);
    return ran.stdout.trim();
  };

  let dockersBase: string | undefined;
  beforeAll(() => {
    engine = createPrivateEngine();
    iechor('image', 'bootstrap', '-q', 'debian:bookworm-slim');
    const archive = join(engine.dir, 'base.tar');
    iechor('save', '-o', archive, 'debian:bookworm-slim');
    const [known] = docker('images', '-q', '--no-trunc', 'debian:bookworm-slim').split('\n');
    dockersBase = known || undefined;
    const fd = openSync(archive, 'r');
    const loaded = spawnSync(client[0] ?? '', [...client.slice(1), 'load', '-q'], { stdio: [fd, 'ignore', 'inherit'] });
    closeSync(fd);
    rmSync(archive);
    if (loaded.status !== 0) throw new Error('docker load failed');
  }, slow);
  afterAll(() => {
    const mine = docker('images', '-q', '--filter', `reference=${prefix}*`).split('\n').filter(Boolean);
    if (mine.length > 0) docker('rmi', '-f', ...mine);
    if (dockersBase === undefined) docker('rmi', 'debian:bookworm-slim');
    else docker('tag', dockersBase, 'debian:bookworm-slim');
    engine.dispose();
  }, slow);

  test.each(files)(
    '%s, with the same files',
    async (file) => {
      const [context, tag] = [join(engine.dir, 'context'), `${prefix}-${files.indexOf(file)}`];
      rmSync(context, { recursive: true, force: true });
      cpSync(dirname(file), context, { recursive: true });
      docker('build', '-q', '-t', tag, '-f', join(context, basename(file)), context);
      iechor('build', '-q', '-t', tag, context);
      const [theirs, ours] = [join(engine.dir, 'theirs.tar'), join(engine.dir, 'ours.tar')];
      exportImage(tag, theirs, docker);
      exportImage(tag, ours, iechor);
      const [want, got] = [await listing(theirs), await listing(ours)];
      expect(got.filter((line) => !want.includes(line))).toEqual([]);
      expect(want.filter((line) => !got.includes(line))).toEqual([]);
      expect(got.length).toBeGreaterThan(500);
    },
    slow,
  );

  function exportImage(tag: string, to: string, run: (...args: string[]) => string): void {
    const id = run('create', tag, 'true');
    try {
      run('export', '-o', to, id);
    } finally {
      run('rm', '-v', id);
    }
  }
});

/** Every entry of an archive: name, kind, mode, owner, and what is in it. */
async function listing(path: string): Promise<readonly string[]> {
  const lines: string[] = [];
  let hash: Hash | undefined;
  let current: TarEntry | undefined;
  const reader = createTarReader({
    entry: (entry) => {
      current = entry;
      hash = createHash('sha256');
    },
    data: (bytes) => void hash?.update(bytes),
    hole: () => {},
    done: () => {
      if (!current || !hash) return;
      const { type, mode, uid, gid, linkName } = current;
      const name = relative('/', join('/', current.name));
      if (name === '' || volatile.test(name)) return;
      const content = type === 'file' ? hash.digest('hex').slice(0, 16) : linkName;
      lines.push(`${name} ${type} ${mode.toString(8)} ${uid}:${gid} ${content}`);
    },
  });
  for await (const chunk of createReadStream(path)) reader.push(chunk as Buffer);
  reader.finish();
  return lines;
}
