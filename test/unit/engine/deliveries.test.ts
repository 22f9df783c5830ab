import { expect, test } from '@jest/globals';
import type { Frame } from '../../../src/api/streams.ts';
import { createDeliveries } from '../../../src/engine/deliveries.ts';
import { createSession } from '../../../src/engine/session.ts';

/** A session of a process that has written its frames and ended; its record follows with `end`. */
function endedProcess(texts: readonly string[]) {
  const frames = texts.map((text): Frame => ({ stream: 'stdout', data: Buffer.from(text) }));
  const record = Promise.withResolvers<void>();
  const output = (async function* () {
    yield* frames;
  })();
  const session = createSession({
    connection: Promise.resolve({ output, write: async () => {}, endInput() {}, close() {} }),
    wants: () => true,
    takesInput: false,
    isAlive: () => false,
    exit: record.promise,
  });
  return { session, end: record.resolve };
}

const patient = { stallMs: 60_000, mostMs: 60_000, lookMs: 5 };
const impatient = { stallMs: 20, mostMs: 60_000, lookMs: 5 };

test('a container has ended for others once its attached client has all that it wrote, flushed', async () => {
  const { session, end } = endedProcess(['one', 'two']);
  const deliveries = createDeliveries(patient);
  deliveries.add('c', session.delivery);
  const order: string[] = [];
  session.flushWith(async () => void order.push('flushed'));
  const settled = deliveries.settled('c').then(() => order.push('settled'));
  for await (const { data } of session.output) {
    order.push(Buffer.from(data).toString());
    if (order.length === 2) void settled.then(() => end());
  }
  expect(order).toEqual(['one', 'two', 'flushed', 'settled']);
});

test('a client that takes nothing is not waited for', async () => {
  const { session } = endedProcess(['one']);
  const deliveries = createDeliveries(impatient);
  deliveries.add('c', session.delivery);
  await deliveries.settled('c');
  session.close();
});

test('a session that is closed, and a container without any, hold nothing back', async () => {
  const { session } = endedProcess(['one']);
  const deliveries = createDeliveries(patient);
  deliveries.add('c', session.delivery);
  session.close();
  await deliveries.settled('c');
  await deliveries.settled('other');
});
