import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatInstant, parseInstant } from '../../../src/engine/instant.ts';
import { type LogQuery, readLog } from '../../../src/engine/logs.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'iechor-logs-'));
  path = join(dir, 'log');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (second: number, text: string, { stream = 'stdout', tag = 'F' } = {}) =>
  `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000001+00:00 ${stream} ${tag} ${text}\n`;

async function read(query: Partial<LogQuery>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { stream, data } of readLog({
    ...{ path, terminal: false, stdout: true, stderr: true, timestamps: false },
    ...query,
  })) {
    texts.push(`${stream}:${Buffer.from(data).toString()}`);
  }
  return texts;
}

describe('logs', () => {
  test('streams stay apart, partial lines are joined, and what is no entry is skipped', async () => {
    writeFileSync(
      path,
      [
        entry(1, 'one'),
        entry(2, 'half ', { tag: 'P' }),
        entry(3, 'oops', { stream: 'stderr' }),
        entry(4, 'whole'),
        'torn\n',
        entry(5, 'a F b'),
        '2026-01-01T00:00:06.000000001+00:00 stdout F not yet ended',
      ].join(''),
    );
    expect(await read({})).toEqual(['stdout:one\nhalf ', 'stderr:oops\n', 'stdout:whole\na F b\n']);
    expect(await read({ stderr: false })).toEqual(['stdout:one\nhalf whole\na F b\n']);
    expect(await read({ stdout: false, terminal: true })).toEqual(['console:oops\n']);
  });

  test('times stand at the beginnings of lines, and choose by since and until', async () => {
    writeFileSync(path, [entry(1, 'a'), entry(2, 'b', { tag: 'P' }), entry(3, 'c'), entry(4, 'd')].join(''));
    expect(await read({ timestamps: true })).toEqual([
      'stdout:2026-01-01T00:00:01.000000001Z a\n2026-01-01T00:00:02.000000001Z bc\n2026-01-01T00:00:04.000000001Z d\n',
    ]);
    const at = (text: string) => parseInstant(text, 'since');
    expect(await read({ sinceNano: at('2026-01-01T00:00:03Z') })).toEqual(['stdout:c\nd\n']);
    expect(await read({ untilNano: at('2026-01-01T02:00:03.5+02:00') })).toEqual(['stdout:a\nbc\n']);
    expect(formatInstant(at('1767225603.25'))).toBe('2026-01-01T00:00:03.250000000Z');
    expect(() => at('yesterday')).toThrow('is no time');
  });

  test('a tail counts lines of the wanted streams from the end, over rotated files', async () => {
    writeFileSync(`${path}.2`, entry(1, 'oldest'));
    writeFileSync(`${path}.1`, [entry(2, 'b'), entry(3, 'err', { stream: 'stderr' }), entry(4, 'c')].join(''));
    writeFileSync(path, [entry(5, 'd '.repeat(60_000)), entry(6, 'e')].join(''));
    const last = async (tail: number, query: Partial<LogQuery> = {}) =>
      (await read({ tail, ...query })).join('').replace(/(d )+/g, 'd');
    expect(await last(0)).toBe('');
    expect(await last(1)).toBe('stdout:e\n');
    expect(await last(2)).toBe('stdout:d\nstdout:e\n'.replace('\nstdout:', '\n'));
    expect(await last(4)).toContain('err');
    expect(await last(3, { stderr: false })).toBe('stdout:c\nstdout:d\ne\n');
    expect(await last(100)).toContain('oldest');
  });

  test('what is written while it is read is not part of it, so that a flood has an end', async () => {
    writeFileSync(path, [entry(1, 'a'), entry(2, 'b')].join(''));
    const query = { path, terminal: false, stdout: true, stderr: true, timestamps: false, tail: 1 };
    const texts: string[] = [];
    for await (const { data } of readLog(query)) {
      texts.push(Buffer.from(data).toString());
      appendFileSync(path, entry(3, 'c'));
    }
    expect(texts).toEqual(['b\n']);
  });

  test('an unfinished line at the end counts as one', async () => {
    writeFileSync(path, [entry(1, 'a'), entry(2, 'b'), entry(3, 'prompt> ', { tag: 'P' })].join(''));
    expect(await read({ tail: 1 })).toEqual(['stdout:prompt> ']);
    expect(await read({ tail: 2 })).toEqual(['stdout:b\nprompt> ']);
  });

  test('following goes on over rotations, ends with the process, and has then read everything', async () => {
    writeFileSync(path, entry(1, 'before'));
    let finish = () => {};
    const end = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const seen: string[] = [];
    const following = (async () => {
      for await (const { data } of readLog({
        ...{ path, terminal: false, stdout: true, stderr: true, timestamps: false, end },
      }))
        seen.push(Buffer.from(data).toString());
    })();
    const until = async (text: string) => {
      while (!seen.join('').includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await until('before');
    appendFileSync(path, entry(2, 'more'));
    await until('more');
    appendFileSync(path, entry(3, 'last of the first'));
    renameSync(path, `${path}.1`);
    writeFileSync(path, entry(4, 'second file'));
    renameSync(`${path}.1`, `${path}.2`);
    renameSync(path, `${path}.1`);
    writeFileSync(path, entry(5, 'third file'));
    await until('third');
    appendFileSync(path, entry(6, 'end'));
    finish();
    await following;
    expect(seen.join('')).toBe('before\nmore\nlast of the first\nsecond file\nthird file\nend\n');
  });

  test('a follower leaves when its signal aborts, also where nothing is ever written', async () => {
    const controller = new AbortController();
    const following = read({ end: new Promise(() => {}), signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await following).toEqual([]);
  });
});
