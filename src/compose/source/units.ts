const sizeUnits: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/** Bytes of `1.5gb`, `64 MiB`, `100`; units are powers of 1024. Undefined where the text is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^([-+.\deE_x]*\d\.?|\d*\.\d+)( ?)([a-zA-Z]*)$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]);
  if (!Number.isFinite(value) || value < 0 || !/^[+]?[\d.]+(e[-+]?\d+)?$/i.test(match[1] ?? '')) return undefined;
  const suffix = (match[3] ?? '').toLowerCase();
  if (suffix === '' || suffix === 'b') return Math.trunc(value);
  const factor = sizeUnits[suffix[0] ?? ''];
  if (factor === undefined || !['', 'b', 'ib'].includes(suffix.slice(1))) return undefined;
  return Math.trunc(value * factor);
}

const timeUnits: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
  d: 86400e9,
  w: 604800e9,
};

/** Nanoseconds of `1h30m`, `1.5s`, `2d`. Undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const rest = text.replace(/^[-+]/, '');
  if (rest === '0') return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w))+$/.test(rest)) return undefined;
  let total = 0;
  for (const [, amount, unit] of rest.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h|d|w)/g)) {
    const factor = timeUnits[unit ?? ''] ?? 0;
    const [whole = '', fraction = ''] = (amount ?? '').split('.');
    total += Number(whole) * factor + (fraction === '' ? 0 : Math.trunc(Number(`0.${fraction}`) * factor + 1e-6));
  }
  return total > 9.223372036854775e18 ? undefined : sign * total;
}

/** `1h30m0s`, `1.5s`, `250ms`, `0s`: nanoseconds as Compose prints them. */
export function formatDuration(nanoseconds: number): string {
  const sign = nanoseconds < 0 ? '-' : '';
  const value = Math.abs(nanoseconds);
  if (value === 0) return '0s';
  if (value < 1e3) return `${sign}${value}ns`;
  if (value < 1e6) return `${sign}${decimal(value, 1e3)}µs`;
  if (value < 1e9) return `${sign}${decimal(value, 1e6)}ms`;
  const hours = Math.floor(value / 3600e9);
  const minutes = Math.floor((value - hours * 3600e9) / 60e9);
  const seconds = `${decimal(value - hours * 3600e9 - minutes * 60e9, 1e9)}s`;
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}`;
}

function decimal(value: number, unit: number): string {
  const whole = Math.floor(value / unit);
  const rest = String(Math.round(value - whole * unit))
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return rest === '' ? String(whole) : `${whole}.${rest}`;
}
