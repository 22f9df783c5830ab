import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect, test } from '@jest/globals';
import { releaseBytes, releasing } from '../../../src/common/release-bytes.ts';

const size = 64 * 1024;

test('bytes that are all of their memory are given back, a part of something larger and little ones stay', () => {
  const whole = Buffer.alloc(size);
  const part = Buffer.alloc(size).subarray(1);
  const little = Buffer.from(new ArrayBuffer(512));
  for (const bytes of [whole, part, little, whole]) releaseBytes(bytes);
  expect([whole.length, part.length, little.length]).toEqual([0, size - 1, 512]);
});

test('what passes through to another stream arrives whole and is given back', async () => {
  const chunks = [1, 2, 3].map((value) => Buffer.alloc(size, value));
  const target = new PassThrough();
  const arrived: number[] = [];
  target.on('data', (chunk: Buffer) => arrived.push(chunk.length, chunk[0] ?? 0));
  await pipeline(chunks, releasing(target));
  expect(arrived).toEqual([size, 1, size, 2, size, 3]);
  expect(chunks.map(({ length }) => length)).toEqual([0, 0, 0]);
});

test('a target that breaks ends what is in front of it', async () => {
  const target = new PassThrough();
  const passing = pipeline(async function* () {
    yield Buffer.alloc(size);
    target.destroy(new Error('broken'));
    for (;;) yield Buffer.alloc(size);
  }, releasing(target));
  await expect(passing).rejects.toThrow('broken');
});
