import { expect, test } from '@jest/globals';
import type { Frame } from '../../../../src/api/streams.ts';
import { createLiveQueue } from '../../../../src/compose/run/live-queue.ts';
import { mergeByTime, timedLines } from '../../../../src/compose/run/log-lines.ts';

async function* framesOf(...pieces: string[]): AsyncGenerator<Frame> {
  for (const piece of pieces) yield { stream: 'stdout', data: Buffer.from(piece) };
}
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
};
const at = (second: number) => `2026-01-01T00:00:0${second}.000000000Z`;

test('lines are cut from frames that split them, and lose the times of their later pieces', async () => {
  const lines = await all(timedLines(framesOf(`${at(1)} one\n${at(2)} tw`, `${at(3)} o\n`, `${at(4)} last`)));
  expect(lines.map(({ time, text }) => [time, text])).toEqual([
    [at(1), 'one'],
    [at(2), 'two'],
    [at(4), 'last'],
  ]);
});

test('sources are merged in the order of time', async () => {
  const source = (...seconds: number[]) =>
    timedLines(framesOf(...seconds.map((second) => `${at(second)} ${second}\n`)));
  expect((await all(mergeByTime([source(1, 4, 5), source(2, 3), source()]))).map(({ text }) => text)).toEqual([
    '1',
    '2',
    '3',
    '4',
    '5',
  ]);
});

test('lines that arrive within the window find their place', async () => {
  const queue = createLiveQueue<{ time: string }>(30);
  queue.push({ time: 'b' });
  queue.push({ time: 'a' });
  setTimeout(() => queue.push({ time: 'c' }), 60);
  setTimeout(() => queue.end(), 70);
  expect((await all(queue.items)).map(({ time }) => time)).toEqual(['a', 'b', 'c']);
});
