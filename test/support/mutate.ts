/** Words that turn up in Compose files and in attacks on their readers. */
const words = [
  '{',
  '}',
  '[',
  ']',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '\t',
  '#',
  '"',
  "'",
  '|\n',
  '>-\n',
  '---\n',
  '...\n',
  '? ',
  '&a ',
  '*a',
  '<<: *a\n',
  '<<: [*a, *a]\n',
  '!reset ',
  '!override ',
  '!!str ',
  '!!binary ',
  '!<x> ',
  '%YAML 1.2\n',
  '$',
  '$$',
  '${A',
  '${A:-',
  '${A:?x}',
  '}',
  '\0',
  '\ufeff',
  '\r\n',
  '\u2028',
  '\ud800',
  '__proto__',
  'constructor',
  'null',
  '~',
  '0x7fffffffffffffff',
  '1e999',
  '-1',
  '.nan',
  '9999999999999999999999',
  '2001-01-01',
  'extends: web\n',
  'include: [compose.yaml]\n',
  'profiles: [a]\n',
  'services:\n',
  'web:\n',
  'image: x\n',
  '80-90:80-85',
  '65536:0',
  '../../../etc',
  '1h-2s',
  '5 apples',
];

/** Changes a text in a few places: characters, words, lines and whole parts taken out, doubled, moved. */
export function mutate(text: string, random: (below: number) => number, others: readonly string[]): string {
  let result = text;
  for (let left = 1 + random(random(3) === 0 ? 8 : 2); left > 0; left--) result = once(result, random, others);
  return result.slice(0, 200_000);
}

function once(text: string, random: (below: number) => number, others: readonly string[]): string {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const at = random(text.length + 1);
  const lines = text.split('\n');
  const line = random(lines.length);
  switch (random(9)) {
    case 0:
      return text.slice(0, at) + pick(words) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random(5));
    case 2:
      return text.slice(0, at) + String.fromCharCode(random(random(4) === 0 ? 0x10000 : 128)) + text.slice(at + 1);
    case 3:
      return [...lines.slice(0, line), ...lines.slice(line + 1 + random(3))].join('\n');
    case 4:
      return [...lines.slice(0, line), lines[line], ...lines.slice(line)].join('\n');
    case 5:
      return lines.map((one, index) => (index === line ? ' '.repeat(random(5)) + one.trimStart() : one)).join('\n');
    case 6:
      return lines.map((one, index) => (index === line ? one.replace(/:.*/, `: ${pick(words)}`) : one)).join('\n');
    case 7: {
      const other = pick(others).split('\n');
      const from = random(other.length);
      return [...lines.slice(0, line), ...other.slice(from, from + 1 + random(10)), ...lines.slice(line)].join('\n');
    }
    default: {
      const piece = text.slice(at, at + random(60));
      return text.slice(0, at) + piece.repeat(1 + random(20)) + text.slice(at);
    }
  }
}
