import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fetchRemote } from '../../../src/cli/fetch-remote.ts';

const gitIsThere = ['/usr/bin/git', '/usr/local/bin/git', '/bin/git'].some((path) => existsSync(path));
if (!gitIsThere) process.stderr.write('SKIPPED: git is not installed\n');

(gitIsThere ? describe : describe.skip)('repositories of Compose projects', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'iechor-remote-'));
  const work = join(scratch, 'demo');
  const former = process.env.XDG_CACHE_HOME;
  let server: Server;
  let url = '';
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@example', ...args], {
      encoding: 'utf8',
      env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' },
    }).trim();
  const commit = (text: string): string => {
    writeFileSync(join(work, 'compose.yaml'), text);
    git('add', '.');
    git('commit', '-q', '-m', 'x');
    return git('rev-parse', 'HEAD');
  };

  beforeAll(async () => {
    process.env.XDG_CACHE_HOME = join(scratch, 'cache');
    execFileSync('git', ['init', '-q', '-b', 'main', work]);
    server = createServer((request, response) => {
      const { pathname, search } = new URL(request.url ?? '/', 'http://host');
      const child = spawn('git', ['http-backend'], {
        env: {
          PATH: process.env.PATH,
          GIT_PROJECT_ROOT: scratch,
          GIT_HTTP_EXPORT_ALL: '1',
          REQUEST_METHOD: request.method,
          PATH_INFO: pathname.replace('demo.git', 'demo/.git'),
          QUERY_STRING: search.slice(1),
          CONTENT_TYPE: request.headers['content-type'] ?? '',
          GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
          REMOTE_ADDR: '127.0.0.1',
        },
      });
      const chunks: Buffer[] = [];
      request.pipe(child.stdin);
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      child.on('close', () => {
        const all = Buffer.concat(chunks);
        const end = all.indexOf('\r\n\r\n');
        const lines = all.subarray(0, end).toString().split('\r\n');
        const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
        response.writeHead(Number.parseInt(headers.Status ?? '200', 10), headers);
        response.end(all.subarray(end + 4));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/demo.git`;
  });
  afterAll(() => {
    server.close();
    if (former === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = former;
    rmSync(scratch, { recursive: true, force: true });
  });

  const fetched = async (ref?: string): Promise<string> => {
    const answer = await fetchRemote({ url, ...(ref && { ref }) });
    if ('problem' in answer) throw new Error(answer.problem);
    return answer.directory;
  };
  const textOf = async (ref?: string) => readFileSync(join(await fetched(ref), 'compose.yaml'), 'utf8');

  test('are fetched at a branch, a tag, a commit and HEAD, each commit once', async () => {
    const first = commit('one');
    git('tag', '-a', '-m', 'v', 'v1');
    commit('two');
    expect(await textOf('main')).toBe('two');
    expect(await textOf()).toBe('two');
    expect(await textOf('v1')).toBe('one');
    expect(await textOf(first)).toBe('one');
    expect(readdirSync(join(scratch, 'cache/iechor/remote'))).toHaveLength(2);
    commit('three');
    expect(await textOf('main')).toBe('three');
  });

  test('leave nothing of git in the cache', async () => {
    expect(readdirSync(await fetched())).toEqual(['compose.yaml']);
    expect(readdirSync(join(scratch, 'cache/iechor/remote')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('that cannot be had are told in a sentence, without the password of their address', async () => {
    expect(await fetchRemote({ url, ref: 'nowhere' })).toMatchObject({
      problem: `${url} has no branch or tag "nowhere"`,
    });
    const wrong = url.replace('//', '//me:secret@').replace('demo', 'none');
    const answer = await fetchRemote({ url: wrong });
    expect(answer).toMatchObject({ problem: expect.stringContaining('git cannot fetch http://127.0.0.1') });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});
