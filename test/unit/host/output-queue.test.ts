import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createOutputQueue } from '../../../src/host/output-queue.ts';

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
afterEach(() => void jest.useRealTimers());

const queueOf = (stream: PassThrough) => {
  const queue = createOutputQueue<'stdout'>();
  queue.add(stream as unknown as Socket, 'stdout');
  queue.seal();
  return queue;
};

test('what a slow reader has still to come outlives the time after the end', async () => {
  const stream = new PassThrough();
  const queue = queueOf(stream);
  for (let piece = 0; piece < 6; piece += 1) stream.write(Buffer.alloc(100_000));
  stream.end();
  while (!stream.isPaused()) await turn();
  queue.closeAfter(2000);
  jest.advanceTimersByTime(60_000);
  let bytes = 0;
  for await (const { data } of queue.output) bytes += data.length;
  expect(bytes).toBe(600_000);
});

test('who goes on holding a stream is waited for no longer than that', async () => {
  const stream = new PassThrough();
  const queue = queueOf(stream);
  queue.closeAfter(2000);
  jest.advanceTimersByTime(1999);
  expect(stream.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  expect(stream.destroyed).toBe(true);
  for await (const _ of queue.output) throw new Error('nothing was written');
});
