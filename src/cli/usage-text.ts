/** What the flag parser says in several lines, as one sentence in the words that Docker uses. */
export function usageText(message: string): string {
  const [first = '', ...rest] = message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !ends.some((end) => line.startsWith(end)));
  const flag = first.match(/^Parsing (--\S+)$/);
  if (flag) return `${flag[1]}: ${rest.join(' ')}`;
  const missing = first.match(/^(Missing .*):$/);
  if (missing) return `${missing[1]}: ${rest.map((line) => line.split(/\s/)[0]?.toUpperCase()).join(' ')}`;
  if (first.endsWith(':')) return `${first} ${rest.join(', ')}`;
  return first.replace(/^Nonexistent flags?: /, 'unknown flag: ');
}

const ends = ['See more help', 'Note: ', 'Alternatively, '];
