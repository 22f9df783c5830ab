import { typeName as kindOf } from './go-values.ts';

/**
 * Go's fmt.Sprintf, as far as templates use it: the verbs s v d q t x X f g c and %%, with flags, width and precision.
 * `show` is how a value is printed by default.
 */
export function printf(format: string, values: readonly unknown[], show: (value: unknown) => string): string {
  let next = 0;
  const text = format.replace(/%([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g, (_, flags, width, precision, verb) => {
    if (verb === '%') return '%';
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const digits = precision === undefined ? undefined : Number(precision);
    const shown = showAs(verb, values[next++], { digits, show });
    const signed = flags.includes('+') && 'dfg'.includes(verb) && !shown.startsWith('-') ? `+${shown}` : shown;
    const room = Number(width ?? 0);
    if (flags.includes('-')) return signed.padEnd(room);
    return signed.padStart(room, flags.includes('0') && 'dfgxX'.includes(verb) ? '0' : ' ');
  });
  const extra = values.slice(next);
  return extra.length === 0
    ? text
    : `${text}%!(EXTRA ${extra.map((value) => `${kindOf(value)}=${show(value)}`).join(', ')})`;
}

function showAs(
  verb: string,
  value: unknown,
  { digits, show }: { readonly digits: number | undefined; readonly show: (value: unknown) => string },
): string {
  switch (verb) {
    case 's':
    case 'v':
      return show(value).slice(0, digits);
    case 'q':
      return JSON.stringify(show(value));
    case 'f':
      return Number(value).toFixed(digits ?? 6);
    case 'x':
    case 'X': {
      const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(show(value)).toString('hex');
      return verb === 'x' ? hex : hex.toUpperCase();
    }
    case 'T':
      return kindOf(value);
    case 'd':
      return typeof value === 'number' ? show(value) : `%!d(${kindOf(value)}=${show(value)})`;
    case 'c':
      return String.fromCodePoint(Number(value));
    default:
      return 'gt'.includes(verb) ? show(value) : `%!${verb}(${kindOf(value)}=${show(value)})`;
  }
}
