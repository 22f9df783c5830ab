// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { describe, expect, test } from '@jest/globals';
import { explainJson, explainText } from '../../../src/cli/explain-text.ts';
import { explain } from '../../../src/compose/explain.ts';
import { projectFiles } from './source/project-files.ts';

const files = {
  'compose.yaml': `x-base: &base
  labels: {com.example.a: one}
services:
  web:
    <<: *base
    image: "nginx:\${TAG:-1}"
    ports: ["\${PORT}:80", "81:81"]
    env_file: web.env
    environment: {A: "1", B: two}
  dev: {image: x, profiles: [dev]}
`,
  'compose.override.yaml': `services:
  web:
    ports: ["82:82"]
    environment: [A=2]
`,
  '.env': '# ports\nPORT=8080\n',
  'web.env': 'Z=1\nA=0\n',
};

const explained = async (path: string) => {
  using project = projectFiles(files);
  const loaded = await project.load({ allResources: true });
  const { parts } = explain(loaded, path);
  return parts.flatMap(({ path: part, contributions }) =>
    contributions.map(
      ({ at: { file, line }, kind }) => `${part.slice(2).join('.')} ${kind} ${file.split('/').at(-1)}:${line}`,
    ),
  );
};
const failure = async (path: string) => {
  using project = projectFiles(files);
  const loaded = await project.load({ allResources: true });
  try {
    explain(loaded, path);
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    return `${message}; ${hint}`;
  }
  return undefined;
};

describe('config --explain', () => {
  test('names the place of each part of a list that several files made', async () => {
    expect(await explained('services.web.ports')).toEqual([
      'ports.0 value compose.yaml:7',
      'ports.1 value compose.yaml:7',
      'ports.2 value compose.override.yaml:3',
    ]);
    expect(await explained('services.web.ports[2]')).toEqual(['ports.2 value compose.override.yaml:3']);
    expect(await explained('services.web.ports[2].published')).toEqual([
      'ports.2.published value compose.override.yaml:3',
    ]);
  });

  test('names what was replaced, in files and env files', async () => {
    expect(await explained('services.web.environment')).toEqual([
      'environment.A value compose.override.yaml:4',
      'environment.A replaced compose.yaml:9',
      'environment.A replaced web.env:2',
      'environment.B value compose.yaml:9',
      'environment.Z value web.env:1',
    ]);
  });

  test('takes keys with dots, plain or quoted', async () => {
    const expected = ['labels.com.example.a value compose.yaml:2'];
    expect(await explained('services.web.labels.com.example.a')).toEqual(expected);
    expect(await explained('services.web.labels["com.example.a"]')).toEqual(expected);
  });

  test('shows the value, the lines, and where each variable came from', async () => {
    using project = projectFiles(files);
    const loaded = await project.load({ allResources: true });
    const readLine = (file: string, line: number) => loaded.sources.get(file)?.split('\n')[line - 1];
    const options = { directory: project.directory, readLine };
    expect(explainText(explain(loaded, 'services.web.ports[0]'), options).split('\n')).toEqual([
      'services.web.ports[0]:',
      '  mode: ingress',
      '  target: 80',
      '  published: "8080"',
      '  protocol: tcp',
      '',
      '  compose.yaml:7:13  ports: ["${PORT}:80", "81:81"]',
      '                         PORT: .env:2:1',
    ]);
    expect(explainText(explain(loaded, 'services.web.image'), options)).toContain('TAG: default');
    expect(explainText(explain(loaded, 'services.web.networks'), options)).toMatch(/\n {2}default$/);
    expect(JSON.parse(explainJson(explain(loaded, 'services.web.image')))).toMatchObject({
      path: 'services.web.image',
      value: 'nginx:1',
      origins: [{ contributions: [{ at: { line: 6 }, variables: [{ name: 'TAG', source: { kind: 'default' } }] }] }],
    });
  });

  test.each([
    ['services.web.prots', 'services.web.prots is not in the project; did you mean "ports"?'],
    ['services.wbe.image', 'services.wbe is not in the project; did you mean "web"?'],
    [
      'services.web.tty',
      'services.web.tty is not set; there are, in services.web, environment, image, labels, networks, ports',
    ],
    ['services.dev', 'services.dev is not active: its profile is [dev]; activate it with --profile dev'],
    [
      'services.web.ports[3]',
      'services.web.ports.3 is not in the project; services.web.ports has 3 entries, counted from 0',
    ],
  ])('a path that leads nowhere is told as such: %s', async (path, message) => {
    expect(await failure(path)).toBe(message);
  });
});

test('the source of every variable is known: shell, env file, included env file', async () => {
  using project = projectFiles({
    'compose.yaml': 'include: [sub/inc.yaml]\nservices: {web: {image: "$A$B$HOME$COMPOSE_PROJECT_NAME"}}\n',
    'sub/inc.yaml': 'services: {inc: {image: "x:$SUB"}}\n',
    'sub/.env': 'SUB=1\n',
    '.env': 'A=1\nHOME=/not/this\n',
  });
  const { variableSource } = await project.load({ interpolate: false });
  const kinds = ['A', 'B', 'HOME', 'SUB', 'COMPOSE_PROJECT_NAME'].map((name) => variableSource(name)?.kind);
  expect(kinds).toEqual(['env-file', undefined, 'shell', 'env-file', 'project']);
});
