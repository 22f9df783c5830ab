import { describe, expect, test } from '@jest/globals';
import type { Service } from '../../../../src/compose/model/project.ts';
import { projectFiles, service } from './project-files.ts';

const merged = async (base: string, over: string): Promise<Service | undefined> => {
  using files = projectFiles({
    'compose.yaml': `${service(base)}volumes: {one: {}, two: {}}\nnetworks: {n: {}, m: {}}\n`,
    'compose.override.yaml': service(over),
  });
  return (await files.load()).project.services.web;
};

describe('an override file', () => {
  test.each<[string, string, string, Partial<Record<keyof Service, unknown>>]>([
    ['replaces scalars', 'restart: "no"', 'restart: always', { restart: 'always' }],
    ['replaces commands', 'command: [a, b]\nentrypoint: x', 'command: c', { command: ['c'], entrypoint: ['x'] }],
    [
      'appends lists',
      'cap_add: [A]\nsecurity_opt: [a]',
      'cap_add: [B, A]\nsecurity_opt: [b]',
      { cap_add: ['A', 'B'], security_opt: ['a', 'b'] },
    ],
    [
      'merges variables by name, lists with maps',
      'environment: [A=1, B=1]',
      'environment: {B: 2, C: ""}',
      { environment: { A: '1', B: '2', C: '' } },
    ],
    ['merges labels', 'labels: {a: 1}', 'labels: [b=2, a=3]', { labels: { a: '3', b: '2' } }],
    [
      'merges ports by address, target, published and protocol',
      'ports: ["80:80", "81:81/udp"]',
      'ports: ["80:80", "82:80"]',
      {
        ports: ['80:80', '81:81', '82:80'].map((text) =>
          expect.objectContaining({ published: text.split(':')[0], target: Number(text.split(':')[1]) }),
        ),
      },
    ],
    [
      'merges volumes by target',
      'volumes: ["one:/a", "one:/b"]',
      'volumes: ["two:/a:ro"]',
      {
        volumes: [
          expect.objectContaining({ source: 'two', target: '/a', read_only: true }),
          expect.objectContaining({ source: 'one', target: '/b' }),
        ],
      },
    ],
    [
      'merges networks, list with map',
      'networks: [n]',
      'networks: {m: {aliases: [x]}, n: {priority: 1}}',
      { networks: { n: { priority: 1 }, m: { aliases: ['x'] } } },
    ],
    ['merges dependencies', 'depends_on: []', 'depends_on: {}', { image: 'x' }],
    [
      'merges build text with build object',
      'build: ./a',
      'build: {args: {X: 1}}',
      { build: expect.objectContaining({ context: expect.stringMatching(/\/a$/), args: { X: '1' } }) },
    ],
    [
      'keeps logging options of the same driver',
      'logging: {driver: json-file, options: {a: 1}}',
      'logging: {options: {b: 2}}',
      { logging: { driver: 'json-file', options: { a: '1', b: '2' } } },
    ],
    [
      'drops logging options of another driver',
      'logging: {driver: json-file, options: {a: 1}}',
      'logging: {driver: none}',
      { logging: { driver: 'none' } },
    ],
    [
      'merges hosts',
      'extra_hosts: ["a:1.1.1.1"]',
      'extra_hosts: {a: 2.2.2.2, b: "::1"}',
      { extra_hosts: { a: ['1.1.1.1', '2.2.2.2'], b: ['::1'] } },
    ],
    [
      'merges objects attribute by attribute',
      'healthcheck: {test: [CMD, a], retries: 3}',
      'healthcheck: {test: b}',
      { healthcheck: { test: ['CMD-SHELL', 'b'], retries: 3 } },
    ],
    [
      'leaves what is null there',
      'hostname: h\nlabels: {a: 1}',
      'hostname:\nlabels:',
      { hostname: 'h', labels: { a: '1' } },
    ],
    [
      'replaces ulimits',
      'ulimits: {nofile: 5}',
      'ulimits: {nofile: {soft: 1, hard: 2}}',
      { ulimits: { nofile: { soft: 1, hard: 2 } } },
    ],
    [
      'takes out by !reset',
      'ports: ["80:80"]\nlabels: {a: 1, b: 2}',
      'ports: !reset []\nlabels: {a: !reset null}',
      { labels: { b: '2' } },
    ],
    [
      'replaces by !override',
      'ports: ["80:80"]',
      'ports: !override ["81:80"]',
      { ports: [expect.objectContaining({ published: '81' })] },
    ],
  ])('%s', async (_what, base, over, expected) => {
    const result = await merged(base, over);
    expect(result).toMatchObject(expected);
    if (over.includes('!reset')) expect(result).not.toHaveProperty('ports');
  });

  test('cannot make a list of a mapping: both places are told', async () => {
    using files = projectFiles({
      'compose.yaml': service('healthcheck: {retries: 1}'),
      'compose.override.yaml': service('healthcheck: [x]'),
    });
    const error = (await files.load().catch((reason: unknown) => reason)) as {
      diagnostics: { message: string; at: { file: string }[] }[];
    };
    expect(error.diagnostics[0]?.message).toContain('cannot override');
    expect(error.diagnostics[0]?.at.map(({ file }) => file.split('/').at(-1))).toEqual([
      'compose.override.yaml',
      'compose.yaml',
    ]);
  });
});

test('documents of one file are merged like files', async () => {
  using files = projectFiles({ 'compose.yaml': `${service('restart: always')}---\n${service('hostname: h')}` });
  expect((await files.load()).project.services.web).toMatchObject({ restart: 'always', hostname: 'h' });
});

test('origins name the place that decided, then those it was merged over', async () => {
  using files = projectFiles({
    'compose.yaml': service('restart: always\nenvironment:\n  A: 1\n  B: 1'),
    'compose.override.yaml': service('restart: "no"\nenvironment:\n- B=2'),
  });
  const { origins } = await files.load();
  const places = (path: string) => origins.spans(path).map(({ file, line }) => `${file.split('/').at(-1)}:${line}`);
  expect(places('/services/web/restart')).toEqual(['compose.override.yaml:4', 'compose.yaml:4']);
  expect(places('/services/web/environment/B')).toEqual(['compose.override.yaml:6', 'compose.yaml:7']);
  expect(places('/services/web/environment/A')).toEqual(['compose.yaml:6']);
  expect(places('/services/web/nothing')).toEqual(['compose.yaml:2', 'compose.override.yaml:2']);
});
