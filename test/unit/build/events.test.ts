import { expect, test } from '@jest/globals';
import { createEventQueue } from '../../../src/build/events.ts';

const fill = (queue: ReturnType<typeof createEventQueue>): void => {
  for (let count = 0; count < 1001; count++) queue.push({ stream: `${count}` });
};

test('steps wait for a reader that does not keep up, and go on when it has read', async () => {
  const queue = createEventQueue();
  const reader = queue.events[Symbol.asyncIterator]();
  queue.push({ stream: 'first' });
  expect(queue.room()).toBeUndefined();
  await reader.next();
  fill(queue);
  const room = queue.room();
  expect(room).toBeInstanceOf(Promise);
  await Promise.all([reader.next(), room]);
  expect(queue.room()).toBeUndefined();
});

test('steps do not wait for a reader that has gone', async () => {
  const queue = createEventQueue();
  const reader = queue.events[Symbol.asyncIterator]();
  queue.push({ stream: 'first' });
  await reader.next();
  fill(queue);
  const room = queue.room();
  await reader.return?.();
  await room;
  expect(queue.room()).toBeUndefined();
});
