import { expect, test } from '@jest/globals';
import { bytesToKeep } from '../../../src/engine/build-cache.ts';

test('without bounds nothing is kept; with a reserve, that much', () => {
  expect(bytesToKeep({}, 100, 50)).toBeUndefined();
  expect(bytesToKeep({ reservedSpace: 30 }, 100, 50)).toBe(30);
  expect(bytesToKeep({ keepStorage: 40 }, 100, 50)).toBe(40);
});

test('a cache may grow to its maximum, and gives way where the disk is short, down to its reserve', () => {
  expect(bytesToKeep({ maxUsedSpace: 60 }, 100, 50)).toBe(60);
  expect(bytesToKeep({ minFreeSpace: 70 }, 100, 50)).toBe(80);
  expect(bytesToKeep({ minFreeSpace: 40 }, 100, 50)).toBe(100);
  expect(bytesToKeep({ minFreeSpace: 140, reservedSpace: 20 }, 100, 50)).toBe(20);
  expect(bytesToKeep({ maxUsedSpace: 60, minFreeSpace: 70, reservedSpace: 10 }, 100, 50)).toBe(60);
});
