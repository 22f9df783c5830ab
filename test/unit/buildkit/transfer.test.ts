import { duplexPair, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { clientOf } from '../../../src/buildkit/client-services.ts';
import { goMode, kindOf, permissionsOf } from '../../../src/buildkit/file-mode.ts';
import { type GrpcClient, grpcClientOver } from '../../../src/buildkit/grpc/client.ts';
import { method, serveGrpc } from '../../../src/buildkit/grpc/server.ts';
import { GrpcError } from '../../../src/buildkit/grpc/status.ts';
import { statusReply, statusRequest } from '../../../src/buildkit/messages/control.ts';
import { receiveTree } from '../../../src/buildkit/receive-tree.ts';
import { createStatusLog } from '../../../src/buildkit/status-log.ts';
import { tarEnd, tarEntry } from '../../../src/buildkit/tar-writer.ts';
import { type FakeEntry, type FakeFiles, plainFile, serveFiles } from '../../support/buildkit-client.ts';

let client: GrpcClient | undefined;
afterEach(() => client?.close());

const connect = async (files: FakeFiles) => {
  const [ours, theirs] = duplexPair();
  serveFiles(theirs, files);
  client = await grpcClientOver(ours);
  return { id: 's', offers: () => true, grpc: client };
};

/** What a tar reader makes of a directory that a client sends. */
async function archived(entries: readonly FakeEntry[]) {
  const session = await connect({ dirs: { context: entries } });
  async function* archive() {
    for await (const entry of receiveTree(session, { dir: 'context' })) yield* tarEntry(entry);
    yield tarEnd;
  }
  const found: { name: string; type: string; mode: number; link: string | null; content: string; pax: unknown }[] = [];
  for await (const entry of Readable.from(archive(), { objectMode: false }).pipe(extract())) {
    const { name, type, mode, linkname, pax } = entry.header;
    const content = (await buffer(entry)).toString('latin1');
    found.push({ name, type: type ?? '', mode: mode ?? 0, link: linkname ?? null, content, pax });
  }
  return found;
}

describe('files of a client', () => {
  test('arrive in an archive with types, modes, links and contents', async () => {
    const found = await archived([
      { path: 'd', mode: goMode('directory', 0o1777) },
      plainFile('d/a', 'small'),
      { path: 'd/b', mode: goMode('file', 0o644), linkname: 'd/a' },
      { path: 'd/c', mode: goMode('symlink', 0o777), linkname: '../x' },
      { ...plainFile('e', 'y'.repeat(200_000)), mode: goMode('file', 0o4755) },
      { path: 'p', mode: goMode('pipe', 0o600) },
      { path: 's', mode: goMode('socket', 0o600) },
      plainFile('z', ''),
    ]);
    expect(found.map(({ name, type, mode, link }) => [name, type, mode.toString(8), link])).toEqual([
      ['d/', 'directory', '1777', null],
      ['d/a', 'file', '644', null],
      ['d/b', 'link', '644', 'd/a'],
      ['d/c', 'symlink', '777', '../x'],
      ['e', 'file', '4755', null],
      ['p', 'fifo', '600', null],
      ['z', 'file', '644', null],
    ]);
    expect(found[1]?.content).toBe('small');
    expect(found[4]?.content).toBe('y'.repeat(200_000));
  });

  test('keep long names, times and binary extended attributes', async () => {
    const path = `${'ä'.repeat(120)}`;
    const [found] = await archived([
      {
        ...plainFile(path, 'x'),
        modTime: 1_600_000_000_123_456_789n,
        xattrs: new Map([['security.capability', Buffer.from([1, 0, 0, 2])]]),
      },
    ]);
    expect(found?.pax).toMatchObject({
      path,
      mtime: '1600000000.123456789',
      'SCHILY.xattr.security.capability': '\x01\0\0\x02',
    });
  });

  test('many of them are asked for while others arrive', async () => {
    const entries = Array.from({ length: 3000 }, (_, at) => plainFile(`f${String(at).padStart(5, '0')}`, `${at}`));
    const found = await archived(entries);
    expect(found).toHaveLength(3000);
    expect(found.every(({ content }, at) => content === `${at}`)).toBe(true);
  });

  test('modes of Go and of the system are the same things', () => {
    for (const kind of ['file', 'directory', 'symlink', 'pipe', 'char-device', 'block-device', 'socket'] as const) {
      expect(kindOf(goMode(kind, 0o7777))).toBe(kind);
      expect(permissionsOf(goMode(kind, 0o6421))).toBe(0o6421);
    }
  });
});

describe("a client's SSH agent", () => {
  test('is spoken to both ways, over as many connections as are opened', async () => {
    const open = await clientOf(await connect({ dirs: {}, agent: 'key' })).agent('key');
    for (const said of ['one', 'two']) {
      const agent = open?.();
      agent?.end(said);
      expect(await text(agent ?? Readable.from([]))).toBe(said.toUpperCase());
    }
  });

  test('is absent by another name, as are secrets', async () => {
    const { agent, secret } = clientOf(await connect({ dirs: {}, agent: 'key' }));
    expect(await agent('other')).toBeUndefined();
    expect(await secret('other')).toBeUndefined();
  });
});

describe("a client's logins", () => {
  test('are asked for by registry; a secret without a user is an identity token', async () => {
    const logins = { 'registry-1.docker.io': ['me', 'hush'], 'a.example': ['', 'token'] } as const;
    const { login } = clientOf(await connect({ dirs: {}, logins }));
    expect(await login('docker.io')).toEqual({ username: 'me', password: 'hush' });
    expect(await login('a.example')).toEqual({ identitytoken: 'token' });
    expect(await login('b.example')).toBeUndefined();
  });
});

describe('gRPC', () => {
  const serve = async (handle: Parameters<typeof method<{ ref: string }, object>>[0]['handle']) => {
    const [ours, theirs] = duplexPair();
    void serveGrpc(theirs, { methods: { '/s/M': method({ request: statusRequest, reply: statusReply, handle }) } });
    client = await grpcClientOver(ours);
    return client;
  };
  const call = (grpc: GrpcClient, signal?: AbortSignal) =>
    grpc.call({ path: '/s/M', request: statusRequest, reply: statusReply, value: { ref: 'r' }, signal });

  test('a failure arrives with its code, its words and its details', async () => {
    const detail = { typeUrl: 'x', value: Buffer.from('y') };
    const grpc = await serve(async () => {
      throw new GrpcError(5, 'nothing here: 100% «ä»\nsecond line', [detail]);
    });
    await expect(call(grpc)).rejects.toMatchObject({
      status: 5,
      message: 'nothing here: 100% «ä»\nsecond line',
      details: [{ typeUrl: 'x' }],
    });
  });

  test('a method that is not there is unimplemented', async () => {
    const grpc = await serve(async () => ({}));
    const wrong = grpc.call({ path: '/s/N', request: statusRequest, reply: statusReply, value: {} });
    await expect(wrong).rejects.toMatchObject({ status: 12 });
  });

  test('a caller that gives up aborts the method', async () => {
    const aborted = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const grpc = await serve(async (_request, { signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      await aborted.promise;
      return {};
    });
    const stop = new AbortController();
    const made = call(grpc, stop.signal);
    made.catch(() => {});
    await begun.promise;
    stop.abort();
    await aborted.promise;
    await expect(made).rejects.toThrow();
  });

  test('output that nobody reads is left out beyond a bound', async () => {
    const log = createStatusLog();
    const piece = Buffer.alloc(1 << 20);
    for (let count = 0; count < 64; count++) log.push({ logs: [{ vertex: 'v', msg: piece }] });
    log.end();
    let bytes = 0;
    for await (const { logs = [] } of log.read(new AbortController().signal)) {
      for (const { msg } of logs) bytes += msg?.length ?? 0;
    }
    expect(bytes).toBeLessThan(10 << 20);
    expect(bytes).toBeGreaterThan(8 << 20);
  });
});
