import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { goMode } from '../../../src/buildkit/file-mode.ts';
import { GrpcError } from '../../../src/buildkit/grpc/status.ts';
import { tarEnd, tarFile } from '../../../src/buildkit/tar-writer.ts';
import {
  type FakeClient,
  type FakeEntry,
  type FakeFiles,
  openClient,
  plainFile,
} from '../../support/buildkit-client.ts';
import { missingForContainers } from '../../support/machine.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../../support/private-engine.ts';

const missing = missingForContainers();
if (missing.length > 0) console.warn(`SKIPPED: builds of BuildKit's clients: this machine lacks ${missing.join(', ')}`);

(missing.length > 0 ? describe.skip : describe)("builds of BuildKit's clients", () => {
  let engine: PrivateEngine;
  let client: FakeClient | undefined;
  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterEach(() => client?.close());
  afterAll(() => engine.dispose());

  const open = async (buildFile: string, context: readonly FakeEntry[] = [], more: Partial<FakeFiles> = {}) => {
    const dirs = { dockerfile: [plainFile('Dockerfile', buildFile)], context };
    client = await openClient(engine.socketPath, { dirs, ...more });
    return client;
  };
  const failureOf = async (done: Promise<unknown>): Promise<GrpcError> => {
    const error = await done.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof GrpcError)) throw new Error(`not refused: ${error}`);
    return error;
  };
  const builds = () => readdirSync(join(engine.dir, 'data', 'tmp')).filter((name) => name.startsWith('build-'));
  const shown = (image: string, path: string) => engine.iechor(['run', '--rm', image, 'cat', path]).stdout;

  test('the image has the files of the client, its name, and the id that the client is told', async () => {
    const { solve } = await open('FROM busybox\nCOPY . /app/\n', [
      { path: 'dir', mode: goMode('directory', 0o755) },
      plainFile('dir/a', 'one'),
      { path: 'dir/link', mode: goMode('symlink', 0o777), linkname: 'a' },
      { path: 'dir/same', mode: goMode('file', 0o644), linkname: 'dir/a' },
      plainFile('large', 'x'.repeat(300_000)),
    ]);
    const told = await solve({ 'label:a': 'b' }, { names: 'made:1,localhost:5/made' }).done;
    const [image] = JSON.parse(engine.iechor(['image', 'inspect', 'made:1']).stdout);
    expect(told.get('containerimage.config.digest')).toBe(image.Id);
    expect(told.get('image.name')).toBe('docker.io/library/made:1,localhost:5/made');
    expect(image.RepoTags.sort()).toEqual(['localhost:5/made:latest', 'made:1']);
    expect(image.Config.Labels).toMatchObject({ a: 'b' });
    expect(
      engine.iechor(['run', '--rm', 'made:1', 'sh', '-c', 'cat /app/dir/link /app/dir/same; wc -c < /app/large'])
        .stdout,
    ).toBe('oneone300000\n');
  });

  test('every item that is shown begins and ends, and steps done before are marked as cached', async () => {
    const { solve } = await open('FROM busybox\nRUN echo said aloud > /said && cat /said\n');
    const first = solve();
    await first.done;
    const second = solve();
    await second.done;
    const log = (await first.status).flatMap(({ logs }) => logs.map(({ msg }) => Buffer.from(msg).toString())).join('');
    expect(log).toContain('said aloud');
    const last = new Map((await second.status).flatMap(({ vertexes }) => vertexes.map((one) => [one.name, one])));
    expect([...last.values()].every(({ completed }) => completed !== undefined)).toBe(true);
    expect(last.get('[2/2] RUN echo said aloud > /said && cat /said')?.cached).toBe(true);
  });

  test('the progress of a build that has ended already can still be read', async () => {
    const { solve } = await open('FROM busybox\n');
    const { done, readStatus } = solve({}, { statusLater: true });
    await done;
    expect((await readStatus()).flatMap(({ vertexes }) => vertexes).length).toBeGreaterThan(0);
  });

  test('a command that fails is told with its exit code, and with its place in the build file', async () => {
    const { solve } = await open('FROM busybox\nRUN exit 7\n');
    const error = await failureOf(solve().done);
    expect(error.message).toBe('process "/bin/sh -c exit 7" did not complete successfully: exit code: 7');
    const source = error.details.find(({ typeUrl }) => typeUrl.endsWith('errdefs.Source+json'));
    const { info, ranges } = JSON.parse(Buffer.from(source?.value ?? '').toString());
    expect(info.filename).toBe('Dockerfile');
    expect(ranges).toEqual([{ start: { line: 2 }, end: { line: 2 } }]);
  });

  test('a secret is asked for by the step that uses it, and is in no log', async () => {
    const { solve } = await open(
      'FROM busybox\nRUN --mount=type=secret,id=key,required=true wc -c < /run/secrets/key > /size\n',
      [],
      { secrets: { key: 'hush-hush' } },
    );
    await solve({}, { names: 'withsecret' }).done;
    expect(shown('withsecret', '/size')).toBe('9\n');
    expect(readFileSync(join(engine.dir, 'run', 'iechord.log'), 'utf8')).not.toContain('hush-hush');
  });

  test('a required secret that the client has not got fails the step by name', async () => {
    const { solve } = await open('FROM busybox\nRUN --mount=type=secret,id=nokey,required=true true\n');
    expect((await failureOf(solve().done)).message).toContain('nokey');
  });

  test.each([['../escaped'], ['/tmp/iechor-escaped'], ['a/../../escaped'], ['a//b'], ['']])(
    'a path that leads out of the context (%j) ends the build',
    async (path) => {
      const { solve } = await open('FROM busybox\nCOPY . /\n', [plainFile(path, 'x')]);
      expect((await failureOf(solve().done)).message).toContain('no path inside a build context');
      expect(builds()).toEqual([]);
    },
  );

  test('nothing is written through a link that leads out of the context', async () => {
    const { solve } = await open('FROM busybox\n', [
      { path: 'out', mode: goMode('symlink', 0o777), linkname: engine.dir },
      plainFile('out/through-the-link', 'x'),
    ]);
    await solve().done.catch(() => {});
    expect(existsSync(join(engine.dir, 'through-the-link'))).toBe(false);
  });

  test('a file that shrinks or grows while it is sent fails the build', async () => {
    const { solve } = await open('FROM busybox\nCOPY . /\n', [
      { ...plainFile('f', 'x'.repeat(100_000)), size: 99_999 },
    ]);
    expect((await failureOf(solve().done)).message).toContain('f changed while it was sent');
  });

  test('a client that is gone while it sends leaves nothing', async () => {
    const asked = Promise.withResolvers<void>();
    const one = await open('FROM busybox\nCOPY . /\n', [plainFile('f', 'x')], {
      stuckAt: 'f',
      onCall: (_path, headers) => {
        if (headers['dir-name'] === 'context' && !headers.followpaths) asked.resolve();
      },
    });
    const { done } = one.solve();
    await asked.promise;
    one.session.destroy();
    await failureOf(done);
    await eventually('the context is gone', () => builds().length === 0);
  });

  test('giving a build up stops its command', async () => {
    const { solve } = await open('FROM busybox\nRUN echo waiting; sleep 1000\n');
    const stop = new AbortController();
    const { done } = solve({}, { signal: stop.signal });
    const steps = () => readdirSync(join(engine.dir, 'run', 'containers')).filter((name) => name.startsWith('build-'));
    await eventually('the command runs', () => steps().length > 0);
    stop.abort();
    await expect(done).rejects.toThrow();
    await eventually('all is gone', () => steps().length === 0 && builds().length === 0);
  });

  test('a directory of the client and an image stand for the names they are given', async () => {
    const { solve } = await open('FROM base\nCOPY --from=more f /f\n', [], {
      dirs: {
        dockerfile: [plainFile('Dockerfile', 'FROM base\nCOPY --from=more f /f\n')],
        more: [plainFile('f', 'of another')],
      },
    });
    await solve({ 'context:base': 'docker-image://busybox', 'context:more': 'local:more' }, { names: 'fromnamed' })
      .done;
    expect(shown('fromnamed', '/f')).toBe('of another');
  });

  test('a step that asks for the SSH agent gets a socket, and fails by name where the client has no such agent', async () => {
    const text =
      'FROM busybox\nRUN --mount=type=ssh,id=key,required=true test -S $SSH_AUTH_SOCK && echo there > /said\n';
    const { solve } = await open(text, [], { agent: 'key' });
    await solve({}, { names: 'withagent' }).done;
    expect(shown('withagent', '/said')).toBe('there\n');
    client?.close();
    const other = await open(text, [], { agent: 'other' });
    expect((await failureOf(other.solve().done)).message).toContain('key');
  });

  test('a context at an address is fetched, be it an archive or a build file', async () => {
    const archive = Buffer.concat([
      tarFile('Dockerfile', Buffer.from('FROM busybox\nCOPY f /\n')),
      tarFile('f', Buffer.from('x')),
      tarEnd,
    ]);
    const server = createServer((request, response) =>
      response.end(request.url === '/a.tar' ? archive : 'FROM busybox\nRUN echo from text > /f\n'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { solve } = await open('');
      await solve({ context: `${at}/a.tar` }, { names: 'fromtar' }).done;
      await solve({ context: `${at}/Dockerfile` }, { names: 'fromtext' }).done;
      expect(shown('fromtar', '/f') + shown('fromtext', '/f')).toBe('xfrom text\n');
      expect((await failureOf(solve({ context: 'https://example.org/x.git' }).done)).message).toContain('x.git');
    } finally {
      server.close();
    }
  });

  test('the files of the result go to the client as an archive', async () => {
    let archive: Uint8Array = Buffer.alloc(0);
    const { solve } = await open('FROM scratch\nCOPY f /dir/\n', [plainFile('f', 'x')], {
      onArchive: (given) => {
        archive = given;
      },
    });
    await solve({}, { output: 'tar' }).done;
    const names: string[] = [];
    for await (const entry of Readable.from([archive]).pipe(extract())) {
      names.push(entry.header.name);
      entry.resume();
    }
    expect(names.filter((name) => name !== './')).toEqual(['dir/', 'dir/f']);
  });

  test('images for several platforms go to the client as one layout, each with what is said about it', async () => {
    const entries = new Map<string, Buffer>();
    let archive: Uint8Array = Buffer.alloc(0);
    const { solve } = await open('FROM scratch\nARG TARGETARCH\nCOPY f /$TARGETARCH\n', [plainFile('f', 'x')], {
      onArchive: (given) => {
        archive = given;
      },
    });
    const attrs = { platform: 'linux/amd64,linux/arm64', 'attest:provenance': 'type=provenance,mode=max' };
    await solve(attrs, { output: 'oci' }).done;
    for await (const entry of Readable.from([archive]).pipe(extract())) {
      entries.set(entry.header.name, await buffer(entry));
    }
    const read = (name: string) => JSON.parse(entries.get(name)?.toString() ?? '{}');
    const [{ digest }] = read('index.json').manifests;
    const { manifests } = read(`blobs/sha256/${digest.slice(7)}`);
    expect(manifests.map((one: { platform: object }) => one.platform)).toEqual([
      { architecture: 'amd64', os: 'linux' },
      { architecture: 'arm64', os: 'linux' },
      { architecture: 'unknown', os: 'unknown' },
      { architecture: 'unknown', os: 'unknown' },
    ]);
  });

  test('images for several platforms are kept under one name, which alone means this machine', async () => {
    const { solve } = await open('FROM scratch\nARG TARGETARCH\nCOPY f /$TARGETARCH\n', [plainFile('f', 'x')]);
    await solve({ platform: 'linux/s390x,linux/amd64,linux/arm64' }, { names: 'together' }).done;
    const ids = engine.iechor(['images', '-q', '--filter', 'reference=together']).stdout.trim().split('\n');
    expect(new Set(ids).size).toBe(3);
    const own = engine.iechor(['image', 'inspect', 'together', '--format', '{{.Architecture}}']).stdout.trim();
    expect(own).toBe(process.arch === 'arm64' ? 'arm64' : 'amd64');
  });

  test('limits and permissions reach the steps, and warnings name their line', async () => {
    const { solve } = await open('FROM busybox\nENV a b\nRUN ulimit -n > /n\n');
    const { done, status } = solve({ ulimit: 'nofile=1000:2000' }, { names: 'limited' });
    await done;
    expect(shown('limited', '/n')).toBe('1000\n');
    const warnings = (await status).flatMap((one) => one.warnings);
    expect(warnings.map(({ ranges }) => ranges[0]?.start?.line)).toEqual([2]);
  });

  test('a cache that the client does not hold is warned of, and the build goes on', async () => {
    const { solve } = await open('FROM busybox\nRUN true\n');
    const digest = `sha256:${'0'.repeat(64)}`;
    const { done, status } = solve({
      'cache-imports': JSON.stringify([{ Type: 'local', Attrs: { src: '/c', digest } }]),
    });
    await done;
    const warned = (await status).flatMap(({ warnings }) => warnings.map(({ short }) => Buffer.from(short).toString()));
    expect(warned).toEqual([expect.stringContaining('the cache /c is not used')]);
  });

  test('what the engine cannot do is refused by name', async () => {
    const { solve } = await open('FROM busybox\n');
    expect((await failureOf(solve({ 'frobnicate-level': '9' }).done)).message).toContain('frobnicate-level');
  });

  test('a definition of nothing gives nothing, and one of something is refused', async () => {
    const { solve } = await open('FROM busybox\n');
    expect(await solve({}, { definition: [] }).done).toEqual(new Map());
    expect((await failureOf(solve({}, { definition: [Buffer.of(1)] }).done)).message).toContain('LLB');
  });

  test('a build file that is not there is told in the words that clients know', async () => {
    const { solve } = await open('FROM busybox\n');
    const { message } = await failureOf(solve({ filename: 'other' }).done);
    expect(message).toBe('failed to read dockerfile: open other: no such file or directory');
  });

  test('what an ignore file names is not asked for', async () => {
    const excluded: unknown[] = [];
    const { solve } = await open('FROM busybox\n', [plainFile('.dockerignore', '# no\n/secret dir/ \n!kept\n')], {
      onCall: (_path, headers) => excluded.push(headers['exclude-patterns']),
    });
    await solve().done;
    expect(excluded.at(-1)).toBe('secret dir, !kept');
  });
});
