import { IechorError } from '../common/error.ts';

const billion = 1_000_000_000n;

let lastTold = 0n;

/** This moment in nanoseconds since the epoch: later than all that were told before, so that what happens has an order. */
export function nowNano(): bigint {
  const now = BigInt(Date.now()) * 1_000_000n + (process.hrtime.bigint() % 1_000_000n);
  lastTold = now > lastTold ? now : lastTold + 1n;
  return lastTold;
}

/**
 * Nanoseconds since the epoch of a time as Docker's API takes it: seconds with up to nine decimals, or RFC 3339.
 * Throws BAD_REQUEST.
 */
export function parseInstant(text: string, what: string): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (whole !== undefined) {
    const nano = BigInt(whole) * billion + BigInt(fraction.padEnd(9, '0'));
    return sign === '-' ? -nano : nano;
  }
  const nano = parseRfc3339(text);
  if (nano !== undefined) return nano;
  throw new IechorError('BAD_REQUEST', `invalid value for "${what}": "${text}" is no time`, {
    hint: 'give seconds since 1970, or a time such as 2026-01-31T12:00:00Z',
  });
}

/** Nanoseconds since the epoch of an RFC 3339 time with up to nine decimals; undefined for anything else. */
export function parseRfc3339(text: string): bigint | undefined {
  const [, date, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  if (date === undefined || zone === undefined) return undefined;
  const milliseconds = Date.parse(`${date}${zone}`.toUpperCase());
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** RFC 3339 in UTC with nine decimals, as Docker writes the times of log lines. */
export function formatInstant(nano: bigint): string {
  const seconds = new Date(Number(nano / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(nano % billion).padStart(9, '0')}Z`;
}
