import { expect, test } from '@jest/globals';
import { formatBytes, parseBytes } from '../../../src/common/bytes.ts';
import { humanDuration, parseDuration } from '../../../src/common/duration.ts';

test.each([
  ['512m', 536870912],
  ['1.5gb', 1610612736],
  ['64KiB', 65536],
  ['10', 10],
])('%s is %d bytes', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

test.each(['', 'm', '-1', '1x', '1 2'])('"%s" is no size', (text) => expect(parseBytes(text)).toBeUndefined());

test.each([
  [117_000_000, '117MB'],
  [1440, '1.44kB'],
  [999, '999B'],
])('%d bytes are shown as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  ['1m30s', 90e9],
  ['1.5h', 5400e9],
  ['500ms', 5e8],
  ['0', 0],
  ['-2s', -2e9],
])('%s is %d nanoseconds', (text, nanoseconds) => expect(parseDuration(text)).toBe(nanoseconds));

test.each(['', '5', 's', '1x', '1h 2m'])('"%s" is no duration', (text) => expect(parseDuration(text)).toBeUndefined());

test.each([
  [0.4, 'Less than a second'],
  [75, 'About a minute'],
  [7200, '2 hours'],
  [86400 * 3, '3 days'],
])('%d seconds are said as %s', (seconds, text) => expect(humanDuration(seconds)).toBe(text));
