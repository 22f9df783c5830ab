/** Order of keys in Compose's YAML: numbers inside keys count as numbers, letters come after what is no letter. */
export function naturalOrder(one: string, other: string): number {
  const a = [...one];
  const b = [...other];
  let digits = false;
  for (let at = 0; at < a.length && at < b.length; at++) {
    const x = a[at] as string;
    const y = b[at] as string;
    if (x === y) digits = isDigit(x);
    else return compareAt(a, b, at, digits);
  }
  return a.length - b.length;
}

const isDigit = (char: string | undefined): boolean => char !== undefined && /\p{Nd}/u.test(char);
const isLetter = (char: string): boolean => /\p{L}/u.test(char);

function compareAt(a: readonly string[], b: readonly string[], at: number, digits: boolean): number {
  const x = a[at] as string;
  const y = b[at] as string;
  if (isLetter(x) && isLetter(y)) return x < y ? -1 : 1;
  if (isLetter(x) || isLetter(y)) return (digits ? isLetter(x) : isLetter(y)) ? -1 : 1;
  const lead = x === '0' || y === '0' ? leadingDigit(a, at) : 0;
  const first = numberAt(a, at, lead);
  const second = numberAt(b, at, lead);
  if (first.value !== second.value) return first.value - second.value;
  if (first.end !== second.end) return first.end - second.end;
  return x < y ? -1 : 1;
}

/** 1 where a digit other than zero stands right before: then zeros count. */
function leadingDigit(chars: readonly string[], at: number): number {
  for (let before = at - 1; before >= 0 && isDigit(chars[before]); before--) if (chars[before] !== '0') return 1;
  return 0;
}

function numberAt(chars: readonly string[], from: number, lead: number): { value: number; end: number } {
  let value = lead;
  let end = from;
  for (; isDigit(chars[end]); end++) value = value * 10 + Number(chars[end]);
  return { value, end };
}
