import { expect, test } from '@jest/globals';
import { formatValue } from '../../../../src/cli/render/format.ts';

test.each([
  ['{{printf "%-6s|%4d|%05.1f|%x|%q|%t|%%" .Name .Count .Share .Count .Name .On}}', 'web   |  12|000.5|c|"web"|true|%'],
  ['{{printf "%.2s %v %+d" .Name .List .Count}}', 'we [a b] +12'],
  ['{{printf "%s %d" .Name}}', 'web %!d(MISSING)'],
  ['{{printf "%s" .Name .Count}}', 'web%!(EXTRA int=12)'],
  ['{{slice .Name 1}} {{slice .Name 0 2}} {{slice .List 1}}', 'eb we [b]'],
  ['{{html "<a>"}} {{js "a\\"b"}} {{urlquery "a b&c"}}', '&lt;a&gt; a\\"b a+b%26c'],
  ['{{join .List ","}} {{range split "x-y" "-"}}{{println .}}{{end}}', 'a,b x\ny\n'],
  ['{{.Name | upper | printf "%s!"}} {{pad .Name 1 2}}| {{title .Name}} {{truncate .Name 2}}', 'WEB!  web  | Web we'],
])('%s prints %j', (format, expected) => {
  const value = { Name: 'web', Count: 12, Share: 0.5, List: ['a', 'b'], On: true };
  expect(formatValue(value, format)).toBe(expected);
});
