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
    ['{{range .Env}}{{if eq . "A=1"}}{{continue}}{{end}}{{.}}{{break}}{{end}}', 'B=2'],
    ['{{define "x"}}<{{.}}>{{end}}{{template "x" .Name}}{{block "y" 1}}[{{.}}]{{end}}', '</web>[1]'],
    [
      '{{with $n := .Name}}{{$n}}{{end}}{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}{{range 3}}{{.}}{{end}}',
      '/web2012',
    ],
    ['{{"}}"}}{{`a}}b`}}{{"a\\tb"}} {{0x10}} {{1e3}} {{/* no */}}{{print 1 2 "a" 3}}', '}}a}}ba\tb 16 1000 1 2a3'],
    ['{{.Ports}} {{.State}}', 'map[443/tcp:[] 80/tcp:[{8080}]] {true {healthy}}'],
    ['{{and 1 0}} {{or 0 "x"}} {{not .Missing}} {{slice .Name 1 3}} {{truncate "héllo" 2}}', '0 x true we hé'],
  ];
  for (const [template, expected] of cases) {
    test(`${template} prints ${JSON.stringify(expected)}`, () =>
      expect(formatValue(container, template)).toBe(expected));
  }

  test.each([
    ['{{.Name', /not closed/],
    ['{{if .Name}}x', /{{end}} is missing/],
    ['{{end}}', /unexpected {{end}}/],
    ['{{break}}', /outside {{range}}/],
    ['{{$u}}', /undefined variable/],
    ['{{template "x"}}', /not defined/],
    ['{{index .Env 9}}', /out of range/],
    ['{{eq .Name 1}}', /cannot be compared/],
    ['{{.Nope}}', /no field "Nope"/],
    ['{{.State.Nope}}', /no field "Nope"/],
    ['{{.Name.Nope}}', /no field "Nope"/],
  ])('%s is refused', (template, words) => {
    expect(() => formatValue(container, template, { strict: true })).toThrow(words);
  });

  test('fields that Docker leaves out, and keys of maps, are no mistakes', () => {
    const created = { State: {}, HostConfig: { CapAdd: null }, Config: { Labels: { a: 'b' } } };
    const asked = '{{.State.Health}} {{if .State.Health}}y{{end}}{{.HostConfig.CapAdd}} {{json .HostConfig.CapAdd}}';
    expect(formatValue(created, asked, { strict: true })).toBe('<nil> [] null');
    const labels = '{{.Config.Labels.a}} {{.Config.Labels.b}} {{index .Config.Labels "b"}}.';
    expect(formatValue(created, labels, { strict: true })).toBe('b <no value> .');
  });

  test("Go's name of an id stands for JSON's", () => {
    expect(formatValue({ Id: 'a1', Names: [] }, '{{.ID}} {{.Id}}', { strict: true })).toBe('a1 a1');
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
  test('raw is a line per field, JSON has its names in order and no marks of HTML', () => {
    const raw = [['name', 'Name']] as const;
    expect(formatRows([...rows, ...rows], columns, 'raw', { raw })).toBe('name: web\n\nname: web\n');
    expect(formatRows([{ Name: '<none>', ID: 1 }], columns, '{{json .}}')).toBe('{"ID":1,"Name":"\\u003cnone\\u003e"}');
  });
  test('a template prints a line per row and may call methods', () => {
    expect(formatRows(rows, columns, '{{.Name}} {{.Label "tier"}}')).toBe('web front');
  });
  test('table TEMPLATE keeps the titles', () => {
    expect(formatRows(rows, columns, 'table {{.Name}}\\t{{.ID}}')).toBe('NAMES     CONTAINER ID\nweb       a1');
    expect(formatRows([], columns, 'table {{lower .Name}}\\t{{.Label "com.x-y.tier"}}')).toBe('NAMES     tier');
  });
});
