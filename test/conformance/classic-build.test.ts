import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeSessions, type SessionEngine } from './sessions.ts';

type Files = Readonly<Record<string, string>>;

/** Builds that fail, with words of the message that clients and people know. */
const failures: readonly (readonly [file: string, words: string])[] = [
  ['COPY --from=0 foo bar', 'invalid from flag value 0: refers to current build stage'],
  ['COPY --from=-1 foo bar', 'invalid from flag value -1: index out of bounds'],
  ['COPY --from=Busybox foo bar', 'invalid from flag value Busybox: invalid reference format: repository name'],
  ['RUN touch /file\nVOLUME /file', 'cannot mount volume over existing file, file exists /'],
];

describeSessions('the classic builder by the API', '', (open) => {
  let engine: SessionEngine;
  const named: string[] = [];
  beforeAll(() => {
    engine = open();
  });
  afterAll(async () => {
    for (const name of named) await ask(`DELETE /images/${name}?force=1`);
    engine.dispose();
  });

  const ask = (call: string, body?: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const [method, path] = call.split(' ');
      const asked = request({ socketPath: engine.socketPath, method, path }, (answer) =>
        buffer(answer).then(resolve, reject),
      );
      asked.once('error', reject).end(body);
    });
  const inspect = async (name: string) => JSON.parse((await ask(`GET /images/${name}/json`)).toString());
  /** All that a build says, errors too, and the name of its image. */
  const build = async (files: Files | string, query = ''): Promise<{ said: string; name: string }> => {
    const name = `${engine.prefix}-classic:${named.length}`;
    named.push(name);
    const all = typeof files === 'string' ? { Dockerfile: `FROM busybox\n${files}\n` } : files;
    const reply = await ask(`POST /build?version=1&t=${name}${query}`, packed(all));
    const messages = reply.toString().split('\n').filter(Boolean);
    return {
      said: messages
        .map((line) => JSON.parse(line))
        .map((it) => it.stream ?? it.error ?? it.message ?? '')
        .join(''),
      name,
    };
  };

  test('RUN without a command runs what the image does', async () => {
    const { said } = await build('CMD ["echo", "by itself"]\nRUN []', '&nocache=1');
    expect(said).toContain('\nby itself\n');
    expect(said).toContain('Successfully built');
  });

  test('an empty command leaves the image without one', async () => {
    const { name } = await build('ENTRYPOINT ["sh"]\nCMD ["x"]\nCMD []');
    expect((await inspect(name)).Config).toMatchObject({ Cmd: null, Entrypoint: ['sh'] });
  });

  test.each(failures)('%j fails with its words', async (file, words) => {
    expect((await build(file)).said).toContain(words);
  });

  test('a file is known by what it holds, also when a pattern finds it among others', async () => {
    const plain = await build({ Dockerfile: 'FROM busybox\nCOPY file1 /tmp/\n', file1: 'of the pattern' });
    const found = await build({ Dockerfile: 'FROM busybox\nCOPY file* /tmp/\n', file1: 'of the pattern', other: '' });
    expect(found.said).toContain('Using cache');
    expect((await inspect(found.name)).Id).toBe((await inspect(plain.name)).Id);
  });

  test('all arguments that no instruction takes are told, also those without a value', async () => {
    const args = encodeURIComponent(JSON.stringify({ used: 'x', b: 'x', a: null, HTTP_PROXY: 'x' }));
    expect((await build('ARG used', `&buildargs=${args}`)).said).toContain(
      '[Warning] One or more build-args [a b] were not consumed\n',
    );
  });

  test('a step whose image is gone is done anew, whatever else wrote the same', async () => {
    const step = `RUN echo ${engine.prefix}`;
    await build('RUN echo nothing is written');
    const { name } = await build(step);
    await ask(`DELETE /images/${name}`);
    expect((await build(step)).said).not.toContain('Using cache');
  });

  test('a loaded image is gone on with, though it lost the images that it was made of', async () => {
    const files = { Dockerfile: 'FROM busybox\nENV is=loaded\nCOPY file /\nRUN touch /made\n', file: engine.prefix };
    const { name } = await build(files);
    const { Id } = await inspect(name);
    const archive = await ask(`GET /images/${name}/get`);
    await ask(`DELETE /images/${name}`);
    await build(files, '&nocache=1');
    await ask('POST /images/load', archive);
    const again = await build(files, `&cachefrom=${encodeURIComponent(JSON.stringify([name]))}`);
    expect(again.said.match(/Using cache/g)).toHaveLength(3);
    expect((await inspect(again.name)).Id).toBe(Id);
  });
});

function packed(files: Files): Buffer {
  const dir = mkdtempSync(join(tmpdir(), 'iechor-classic-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(dir, path, '..'), { recursive: true });
      writeFileSync(join(dir, path), text);
    }
    return execFileSync('tar', ['--mtime=@1700000000', '-C', dir, '-c', '.']);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
