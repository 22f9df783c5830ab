import { describe, expect, test } from '@jest/globals';
import { filterLogs, jsonLines, type LogFilter } from '../../../src/compose/log-filter.ts';
import type { LogLine } from '../../../src/compose/log-source.ts';
import { isContinuation, levelOf } from '../../../src/compose/run/log-entries.ts';

const line = (text: string, more: Partial<LogLine> = {}): LogLine => ({
  stream: 'stdout',
  time: '2026-01-01T00:00:00.000000000Z',
  text,
  from: { name: 'shop-web-1', service: 'web', number: 1 },
  ...more,
});
const goesOn = (text: string): LogLine => line(text, { written: '2026-01-01T00:00:00.000000001Z' });

async function shown(lines: readonly LogLine[], filter: LogFilter): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of filterLogs(
    (async function* () {
      yield* lines;
    })(),
    filter,
  ))
    found.push(text);
  return found;
}

describe('the level of a line', () => {
  test.each([
    ['level=warn msg="slow"', 'warn'],
    ['{"level":"error","msg":"no disk"}', 'error'],
    ['{"level":50,"msg":"no disk"}', 'error'],
    ['2026-01-01 12:00:00 ERROR db: gone', 'error'],
    ['[Warning] something', 'warn'],
    ['2026-01-01 10:00:00.1 UTC [33] FATAL:  role does not exist', 'fatal'],
    ['info: listening', 'info'],
    ['Traceback (most recent call last):', 'error'],
    ['Exception in thread "main" java.lang.IllegalStateException: no', 'error'],
    ['java.lang.NullPointerException: no', 'error'],
    ['TypeError: x is not a function', 'error'],
    ['panic: runtime error: index out of range', 'fatal'],
  ])('%s is %s', (text, level) => expect(levelOf(text)).toBe(level));

  test('is not guessed from words within a sentence', () => {
    expect(levelOf('GET /errors/fatal 200')).toBeUndefined();
    expect(levelOf('there was an error in the past')).toBeUndefined();
    expect(levelOf('TypeErrors are counted')).toBeUndefined();
  });
});

test('stack traces of the usual languages belong to what they follow', () => {
  expect(isContinuation('    at main (index.js:1:2)', 'Error: no')).toBe(true);
  expect(isContinuation('Caused by: java.io.IOException', '\tat a.b.C(C.java:1)')).toBe(true);
  expect(isContinuation('ValueError: no', '    raise ValueError()')).toBe(true);
  expect(isContinuation('ValueError: no', 'starting')).toBe(false);
  expect(isContinuation('next line', 'starting')).toBe(false);
});

test('what matches is shown with its whole stack trace, and nothing else', async () => {
  const lines = [
    line('started'),
    line('Error: no disk'),
    goesOn('    at write (a.js)'),
    goesOn('    at b.js'),
    line('ok'),
  ];
  expect(await shown(lines, { grep: /disk/ })).toEqual(['Error: no disk', '    at write (a.js)', '    at b.js']);
  expect(await shown(lines, { grep: /b\.js/ })).toEqual(['Error: no disk', '    at write (a.js)', '    at b.js']);
});

test('a level shows what is as grave or graver', async () => {
  const lines = [line('level=debug a'), line('level=error b'), goesOn('  detail'), line('no level')];
  expect(await shown(lines, { level: 'warn' })).toEqual(['level=error b', '  detail']);
  expect(await shown(lines, { level: 'info' })).toEqual(['level=error b', '  detail', 'no level']);
});

test('a line as JSON has its own time, its level and who wrote it', () => {
  expect(JSON.parse(jsonLines()(line('level=warn x')))).toEqual({
    time: '2026-01-01T00:00:00.000000000Z',
    service: 'web',
    container: 'shop-web-1',
    stream: 'stdout',
    level: 'warn',
    message: 'level=warn x',
  });
});

test('as JSON a stack trace is of the level of what it follows', () => {
  const lines = [line('ERROR no disk'), goesOn('    at b.js'), line('ok'), goesOn('  more')].map(jsonLines());
  expect(lines.map((text) => (JSON.parse(text) as { level?: string }).level)).toEqual([
    'error',
    'error',
    undefined,
    undefined,
  ]);
});
