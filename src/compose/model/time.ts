const text: unique symbol = Symbol('time');

/** A date that YAML read as such; it is printed without quotes. */
export interface Time {
  readonly [text]: string;
}

/** `written` is a timestamp of YAML that was recognised; kept as RFC 3339 writes it. */
export const timeOf = (written: string): Time => ({ [text]: rfc3339(written) });
export const isTime = (value: unknown): value is Time => typeof value === 'object' && value !== null && text in value;
export const timeText = (time: Time): string => time[text];

function rfc3339(written: string): string {
  const [, date = '', clock = '0:0:0', fraction = '', zone = 'Z'] =
    /^([\d-]+)(?:[Tt ]+([\d:]+)(\.\d+)?(Z|[-+]\d\d:\d\d)?)?$/.exec(written) ?? [];
  const padded = (parts: string, by: string) =>
    parts
      .split(by)
      .map((part) => part.padStart(2, '0'))
      .join(by);
  const rest = fraction.slice(0, 10).replace(/\.?0+$/, '');
  return `${padded(date, '-')}T${padded(clock, ':')}${rest}${/^[-+]00:00$/.test(zone) ? 'Z' : zone}`;
}
