import { describe, expect, test } from '@jest/globals';
import { formatRows, formatValue } from '../../../../src/cli/render/format.ts';

const container = {
  Name: '/web',
  State: { Running: true, Health: { Status: 'healthy' } },
  Ports: { '80/tcp': [{ HostPort: '8080' }], '443/tcp': null },
  Env: ['A=1', 'B=2'],
};

describe('inspect --format', () => {
  const cases: [template: string, expected: string][] = [
    ['{{.Name}}', '/web'],
    ['{{.State.Health.Status}} {{.State.Running}}', 'healthy true'],
    ['{{json .Env}}', '["A=1","B=2"]'],
    ['{{join .Env ","}}', 'A=1,B=2'],
    ['{{range .Env}}[{{.}}]{{end}}', '[A=1][B=2]'],
    [
      '{{range $port, $to := .Ports}}{{$port}}->{{with $to}}{{(index . 0).HostPort}}{{else}}-{{end}} {{end}}',
      '443/tcp->- 80/tcp->8080 ',
    ],
    ['{{if .State.Running}}up{{else}}down{{end}}', 'up'],
    ['{{if eq .Name "/db"}}db{{else if eq .Name "/web"}}web{{end}}', 'web'],
    ['{{.Name | upper | printf "%s!"}}', '/WEB!'],
    ['{{index .Ports "80/tcp" 0 "HostPort"}}', '8080'],
    ['{{len .Env}}{{println}}', '2\n'],
    ['{{.Missing}}', '<no value>'],
    ['a {{- " b " -}} c', 'a b c'],
  ];
  for (const [template, expected] of cases) {
    test(`${template} prints ${JSON.stringify(expected)}`, () =>
      expect(formatValue(container, template)).toBe(expected));
  }

  test('a template that is not closed is refused', () => {
    expect(() => formatValue(container, '{{.Name')).toThrow(/not closed/);
  });

  test('an unknown function is refused by name', () => {
    expect(() => formatValue(container, '{{shout .Name}}')).toThrow(/"shout"/);
  });
});

describe('list --format', () => {
  const rows = [{ ID: 'a1', Name: 'web', Label: (key: string) => (key === 'tier' ? 'front' : '') }];
  const columns = [
    { title: 'CONTAINER ID', field: 'ID' },
    { title: 'NAMES', field: 'Name' },
  ];

  test('without a format the columns are printed under their titles', () => {
    expect(formatRows(rows, columns, undefined)).toBe('CONTAINER ID   NAMES\na1             web');
  });
  test('json is one object a line', () => expect(formatRows(rows, columns, 'json')).toBe('{"ID":"a1","Name":"web"}'));
  test('a template prints a line per row and may call methods', () => {
    expect(formatRows(rows, columns, '{{.Name}} {{.Label "tier"}}')).toBe('web front');
  });
  test('table TEMPLATE keeps the titles', () => {
    expect(formatRows(rows, columns, 'table {{.Name}}\\t{{.ID}}')).toBe('NAMES     CONTAINER ID\nweb       a1');
  });
});
