/** Times of a cron expression, in the daemon's time zone. Pure. */
export interface Cron {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Whether day and weekday are both restricted: then either is enough, as cron has it. */
  readonly eitherDay: boolean;
}

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words?: readonly string[];
}
const fields: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, words: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { name: 'weekday', least: 0, most: 7, words: 'sun mon tue wed thu fri sat'.split(' ') },
];
const names: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Five fields with lists, ranges, steps and names, or `@daily` and its like. Throws a sentence that says what is wrong. */
export function parseCron(text: string): Cron {
  const parts = (names[text.trim().toLowerCase()] ?? text).trim().split(/\s+/);
  if (parts.length !== fields.length) {
    throw new Error(`"${text}" is no schedule: five fields are needed (minute hour day month weekday), or @daily`);
  }
  const [minutes, hours, days, months, weekdays] = fields.map((field, at) => valuesOf(parts[at] ?? '', field)) as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (weekdays.delete(7)) weekdays.add(0);
  const eitherDay = !parts[2]?.startsWith('*') && !parts[4]?.startsWith('*');
  return { minutes, hours, days, months, weekdays, eitherDay };
}

function valuesOf(text: string, field: Field): Set<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
    const [from, to] = range === '*' ? [field.least, field.most] : rangeOf(range, { field, open: step !== undefined });
    const by = Number(step ?? 1);
    if (by < 1) throw new Error(`"${part}" has no step`);
    for (let value = from; value <= to; value += by) found.add(value);
  }
  return found;
}

function rangeOf(text: string, { field, open }: { field: Field; open: boolean }): [number, number] {
  const [first = '', last] = text.split('-');
  const from = numberOf(first, field);
  const to = last === undefined ? (open ? field.most : from) : numberOf(last, field);
  if (to < from) throw new Error(`"${text}" ends before it begins`);
  return [from, to];
}

function numberOf(text: string, field: Field): number {
  const word = field.words?.indexOf(text.toLowerCase()) ?? -1;
  const value = word >= 0 ? word + (field.name === 'month' ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.least && value <= field.most) return value;
  throw new Error(`"${text}" is no ${field.name} (${field.least} to ${field.most})`);
}

/** Whether a minute is one of the schedule's. */
export function isDue(cron: Cron, time: Date): boolean {
  return isDay(cron, time) && cron.hours.has(time.getHours()) && cron.minutes.has(time.getMinutes());
}

function isDay(cron: Cron, time: Date): boolean {
  if (!cron.months.has(time.getMonth() + 1)) return false;
  const day = cron.days.has(time.getDate());
  const weekday = cron.weekdays.has(time.getDay());
  return cron.eitherDay ? day || weekday : day && weekday;
}

/** The next time after a moment; undefined where there is none within nine years (30 February). */
export function nextTime(cron: Cron, after: Date): Date | undefined {
  const time = new Date(after);
  time.setSeconds(0, 0);
  time.setMinutes(time.getMinutes() + 1);
  for (let days = 0; days < 366 * 9; days++) {
    if (isDay(cron, time)) {
      const day = time.getDate();
      for (; time.getDate() === day; time.setMinutes(time.getMinutes() + 1)) if (isDue(cron, time)) return time;
    } else {
      time.setDate(time.getDate() + 1);
      time.setHours(0, 0, 0, 0);
    }
  }
  return undefined;
}
