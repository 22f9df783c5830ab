import { describe, expect, test } from '@jest/globals';
import { isDue, nextTime, parseCron } from '../../../src/engine/cron.ts';

const at = (text: string) => new Date(`${text}:00`);
const next = (cron: string, after: string) => nextTime(parseCron(cron), at(after))?.getTime();

describe('a schedule', () => {
  test.each([
    ['*/15 * * * *', '2026-03-01T10:07', '2026-03-01T10:15'],
    ['0 3 * * *', '2026-03-01T03:00', '2026-03-02T03:00'],
    ['30 2 1 jan *', '2026-03-01T00:00', '2027-01-01T02:30'],
    ['0 9 * * mon-fri', '2026-03-06T10:00', '2026-03-09T09:00'],
    ['0 0 * * 7', '2026-03-02T00:00', '2026-03-08T00:00'],
    ['0 0 29 2 *', '2026-03-01T00:00', '2028-02-29T00:00'],
    ['@hourly', '2026-12-31T23:59', '2027-01-01T00:00'],
    ['5,10-12 4 * * *', '2026-03-01T04:10', '2026-03-01T04:11'],
  ])('%s after %s is %s', (cron, after, wanted) => {
    expect(next(cron, after)).toBe(at(wanted).getTime());
  });

  test('with a day and a weekday is due on either, as cron has it', () => {
    const cron = parseCron('0 0 13 * fri');
    expect(isDue(cron, at('2026-03-13T00:00'))).toBe(true);
    expect(isDue(cron, at('2026-03-20T00:00'))).toBe(true);
    expect(isDue(cron, at('2026-03-21T00:00'))).toBe(false);
  });

  test('that never comes has no next time', () => {
    expect(next('0 0 30 2 *', '2026-01-01T00:00')).toBeUndefined();
  });

  test.each([
    ['* * * *', 'five fields'],
    ['60 * * * *', '"60" is no minute'],
    ['0 0 0 * *', '"0" is no day'],
    ['0 5-3 * * *', 'ends before it begins'],
    ['*/0 * * * *', 'no step'],
    ['0 0 * * frid', '"frid" is no weekday'],
  ])('%s is refused: %s', (cron, words) => {
    expect(() => parseCron(cron)).toThrow(words);
  });
});
