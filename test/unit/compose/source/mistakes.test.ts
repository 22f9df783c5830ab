// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { describe, expect, test } from '@jest/globals';
import { isIechorError } from '../../../../src/common/error.ts';
import { projectFiles, service } from './project-files.ts';

const mistakesOf = async (text: string | Uint8Array, options = {}) => {
  using files = projectFiles({ 'compose.yaml': text });
  return await files.mistakes(options);
};

describe('what is wrong is told with its place', () => {
  test('all mistakes of a project come in one run', async () => {
    const found = await mistakesOf(`services:
  web:
    image: nginx
    prots: ["80:80"]
    restart: 5
    networks: [fornt]
    depends_on: [dbx]
    healthcheck:
      interval: soon
  db:
    restart: always
networks:
  front: {}
`);
    expect(found).toEqual([
      "compose.yaml:4:5 services.web.prots: additional properties 'prots' not allowed",
      'compose.yaml:5:14 services.web.restart: must be a string',
      'compose.yaml:6:16 services.web.networks.fornt: service "web" refers to undefined network fornt',
      'compose.yaml:7:18 services.web.depends_on.dbx: service "web" depends on undefined service "dbx"',
      'compose.yaml:9:17 services.web.healthcheck.interval: invalid duration "soon"',
      'compose.yaml:10:3 services.db: service "db" has neither an image nor a build context specified',
    ]);
  });

  test('a mistyped image is one mistake', async () => {
    expect(await mistakesOf('services:\n  web:\n    imgae: x\n')).toEqual([
      "compose.yaml:3:5 services.web.imgae: additional properties 'imgae' not allowed",
    ]);
  });

  test('what stands under x-iechor is checked like the rest', async () => {
    expect(await mistakesOf(service('x-iechor: {pre_strt: []}').concat('x-iechor: {any: 1}\n'))).toEqual([
      "compose.yaml:4:16 services.web.x-iechor.pre_strt: additional properties 'pre_strt' not allowed",
      "compose.yaml:5:12 x-iechor.any: additional properties 'any' not allowed",
    ]);
  });

  test('a hint names what was meant', async () => {
    using files = projectFiles({
      'compose.yaml': service('restrat: always\nnetworks: [fornt]').concat('networks: {front: }\n'),
    });
    const error = await files.load().catch((reason: unknown) => reason);
    expect(isIechorError(error) && error.code).toBe('COMPOSE_INVALID');
    expect((error as { diagnostics: { hint?: string }[] }).diagnostics.map(({ hint }) => hint)).toEqual([
      'did you mean "restart"?',
      'did you mean "front"?',
    ]);
  });

  test.each([
    ['a tab', 'services:\n\tweb: {}\n', ['compose.yaml:2:1 Tabs are not allowed as indentation']],
    ['NUL', 'services:\n  a: "\0"\n', ['compose.yaml:2:7 NUL character in the file']],
    [
      'a key twice',
      service('image: y'),
      ['compose.yaml:4:5 services.web.image: mapping key "image" is already defined'],
    ],
    ['an unknown anchor', service('labels: *none'), ['compose.yaml:4:13 services.web.labels: unknown anchor "none"']],
    [
      'a key that is a number',
      'services:\n  1: {image: x}\n',
      ['compose.yaml:2:3 services: non-string key in services: 1'],
    ],
    ['no mapping', '- a\n', ['compose.yaml:1:1 top-level object must be a mapping']],
    ['nothing', '', ['empty compose file']],
    ['an open bracket', 'services: [\n', expect.arrayContaining([expect.stringMatching(/^compose\.yaml:2:1 /)])],
  ])('%s', async (_what, text, expected) => {
    expect(await mistakesOf(text)).toEqual(expected);
  });

  test('bytes that are no UTF-8 are told with line and column', async () => {
    const bytes = Buffer.concat([Buffer.from('services:\n  wéb: "'), Buffer.from([0xff, 0xfe]), Buffer.from('"\n')]);
    expect(await mistakesOf(bytes)).toEqual(['compose.yaml:2:9 invalid UTF-8: this is not YAML text']);
  });

  test('a byte order mark and CRLF are no mistakes, and places stay true', async () => {
    expect(await mistakesOf('\ufeffservices:\r\n  web:\r\n    image: x\r\n    tty: maybe\r\n')).toEqual([
      'compose.yaml:4:10 services.web.tty: invalid value "maybe": must be true or false',
    ]);
  });

  test.each([
    ['depends_on: [web]', 'services.web.depends_on: dependency cycle detected: web -> web'],
    ['extends: web', 'services.web.extends: circular reference: services extend each other: web -> web'],
    [
      'network_mode: host\nnetworks: [default]',
      'services.web.network_mode: service web declares mutually exclusive `network_mode` and `networks`',
    ],
    [
      'ports: ["80-90:80-85"]',
      'services.web.ports[0]: Invalid ranges specified for container and host Ports: 80-85 and 80-90',
    ],
    ['ports: ["70000:80"]', 'services.web.ports[0]: Invalid hostPort: 70000'],
    ['volumes: [data:/x]', 'services.web.volumes[0]: service "web" refers to undefined volume data'],
    [
      'volumes: [/a:/x, /b:/x]\ntmpfs: /x',
      'services.web.volumes[0]: target /x already mounted as services.web.tmpfs[0]',
    ],
    ['volumes: [null]', 'services.web.volumes[0]: must be a mapping or string'],
    ['depends_on: [5]', 'services.web.depends_on[0]: must be a string'],
    ['group_add: ["1", 1]', 'services.web.group_add[1]: items must be unique: the same item appears twice'],
    ['configs: [{target: /x}]', 'services.web.configs[0]: service "web" refers to undefined config '],
    ['secrets: [s]', 'services.web.secrets[0]: service "web" refers to undefined secret s'],
    [
      'scale: 2\ndeploy: {replicas: 3}',
      "services.web.scale: can't set distinct values on 'scale' and 'deploy.replicas'",
    ],
    ['oom_score_adj: 5000', 'services.web.oom_score_adj: must be less than or equal to 1000'],
    ['cgroup: hots', "services.web.cgroup: value must be one of 'host', 'private'"],
    ['mem_limit: 5 apples', "services.web.mem_limit: invalid size: '5 apples'"],
    ['stop_grace_period: 1h-2s', 'services.web.stop_grace_period: invalid duration "1h-2s"'],
    ['command: "a \'b"', 'services.web.command: invalid command line string'],
    ['image2: ${X?}', 'services.web.image2: required variable X is missing a value'],
    ['environment: {A: 2020-01-01}', 'services.web.environment.A: must be a boolean, null, number or string'],
    ['pre_start: [{command: x}]', expect.stringContaining("additional properties 'pre_start' not allowed")],
    ['env_file: none.env', expect.stringContaining('env file none.env not found')],
  ])('%s', async (attributes, expected) => {
    const found = await mistakesOf(service(attributes));
    expect(found.map((one) => one.replace(/^compose\.yaml:\d+:\d+ /, ''))).toContainEqual(expected);
  });

  test('both ends of a conflict are shown', async () => {
    using files = projectFiles({
      'compose.yaml': 'services:\n  a: {image: x, container_name: cc}\n  b: {image: x, container_name: cc}\n',
    });
    const error = (await files.load().catch((reason: unknown) => reason)) as {
      diagnostics: { at: { line: number }[] }[];
    };
    expect(error.diagnostics[0]?.at.map(({ line }) => line)).toEqual([3, 2]);
  });

  test('a dependency in a profile that is off is named as such', async () => {
    const text = 'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, profiles: [dev]}\n';
    expect(await mistakesOf(text)).toEqual([
      'compose.yaml:2:30 services.a.depends_on.b: service "a" depends on service "b", which exists but its profile [dev] is not active',
    ]);
    expect(await mistakesOf(text, { profiles: ['dev'] })).toEqual([]);
    expect(await mistakesOf(text.replace('[b]', '{b: {condition: service_started, required: false}}'))).toEqual([]);
  });
});

test.each([
  ['mem_limit: 1.5', 'services.web.mem_limit'],
  ['extends: {service: base, fiel: x}', 'services.web.extends.fiel'],
])('%s is let through without effect, as Compose does, and told', async (attributes, path) => {
  using files = projectFiles({ 'compose.yaml': `${service(attributes)}  base: {image: x}\n` });
  const { diagnostics, project } = await files.load();
  expect(diagnostics).toEqual([expect.objectContaining({ code: 'COMPOSE_NO_EFFECT', path })]);
  expect(project.services.web?.mem_limit).toBeUndefined();
});

test('a profile that no service has is told, with what may have been meant', async () => {
  using files = projectFiles({ 'compose.yaml': 'services: {a: {image: x}, b: {image: x, profiles: [debug]}}\n' });
  const warnings = async (options: object) =>
    (await files.load(options)).diagnostics.map(({ message, hint }) => `${message}; ${hint}`);
  expect(await warnings({ profiles: ['debgu'] })).toEqual([
    'no service has the profile "debgu"; did you mean "debug"?',
  ]);
  expect(await warnings({ profiles: ['debug'] })).toEqual([]);
  expect(await warnings({ environment: { COMPOSE_PROFILES: 'of-another-project' } })).toEqual([]);
});

test.each([
  ['$2y$10$abcdefghijklmnopqrst', 'write it twice: $$2y$$10$$abcdefghijklmnopqrst'],
  ['pa$word', 'write it twice: pa$$word'],
  ['$TAG', 'give a default: ${TAG:-default}'],
])('the hint for %s that is not set says what was likely meant', async (text, hint) => {
  using files = projectFiles({ 'compose.yaml': service(`environment: {A: '${text}'}`) });
  expect((await files.load()).diagnostics).toEqual([
    expect.objectContaining({ code: 'COMPOSE_UNSET_VARIABLE', hint: expect.stringContaining(hint) }),
  ]);
});

test('what is odd but allowed is a warning', async () => {
  using files = projectFiles({
    'compose.yaml': `version: "3"
services:
  a: {image: "x:$TAG", ports: ["80:80"]}
  b: {image: x, ports: ["80:81"], depends_on: {a: {condition: service_healthy}}}
  c: {image: x, network_mode: host, ports: ["81:80"], tty: yes}
`,
  });
  const { diagnostics } = await files.load();
  expect(diagnostics.map(({ code, at }) => `${code} ${at[0]?.line}`).sort()).toEqual([
    'COMPOSE_NO_EFFECT 5',
    'COMPOSE_NO_HEALTHCHECK 4',
    'COMPOSE_OBSOLETE 1',
    'COMPOSE_OBSOLETE 5',
    'COMPOSE_PORT_CLASH 4',
    'COMPOSE_UNSET_VARIABLE 3',
  ]);
});
