const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
};

/** Bytes of `512m`, `1.5gb`, `64KiB` or a bare number, in powers of 1024 as Docker reads them; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?b)?$/i.exec(text.trim());
  if (!match?.[1]) return undefined;
  return Math.floor(Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 1));
}

/** As people read it, in powers of 1000 with three digits: `117MB`, `1.44kB`. */
export function formatBytes(bytes: number): string {
  return withDigits(bytes, 3);
}

function withDigits(bytes: number, digits: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < names.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(digits))}${names[unit]}`;
}

/** In powers of 1024 with four digits: `492KiB`, `23.54GiB`. */
export function binaryBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < names.length - 1; unit++) value /= 1024;
  return `${Number(value.toPrecision(4))}${names[unit]}`;
}

const barWidth = 50;

/** How far something is, as Docker shows it: `[=====>     ]  1.2MB/12MB`; without the bar where that is too wide. */
export function progressText(current: number, total: number, { bar }: { readonly bar: boolean }): string {
  if (current <= 0 && total <= 0) return '';
  const done = withDigits(current, 4).padStart(8);
  if (total <= 0) return done;
  const filled = Math.min(barWidth, Math.floor((barWidth * current) / total));
  const drawn = bar ? `[${'='.repeat(filled)}>${' '.repeat(barWidth - filled)}] ` : '';
  return `${drawn}${done}${current > total ? '' : `/${withDigits(total, 4)}`}`;
}
