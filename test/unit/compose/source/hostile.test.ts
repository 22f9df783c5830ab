import { describe, expect, test } from '@jest/globals';
import { projectFiles, service } from './project-files.ts';

/** Milliseconds are those of the processor, and bounds are wide: a slow or busy machine must not fail them. */
const timed = async <T>(task: () => Promise<T>): Promise<{ result: T; milliseconds: number }> => {
  const start = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(start);
  return { result, milliseconds: (user + system) / 1000 };
};

describe('hostile files', () => {
  test('an alias bomb is refused before it is built', async () => {
    const levels = Array.from(
      { length: 30 },
      (_, at) => `x-${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`,
    );
    using files = projectFiles({ 'compose.yaml': ['x-0: &a0 [lol]', ...levels, 'services: {}'].join('\n') });
    const { result, milliseconds } = await timed(() => files.mistakes());
    expect(result[0]).toMatch(/^compose\.yaml:\d+:\d+ aliases expand to more than/);
    expect(milliseconds).toBeLessThan(5000);
  });

  test('an anchor used five thousand times in an honest file is fine', async () => {
    const services = Array.from({ length: 5000 }, (_, at) => `  s${at}: {<<: *base, hostname: h${at}}`);
    const base = 'x-base: &base\n  image: x\n  environment: {A: 1, B: 2}\n  labels: [a=b]\n';
    using files = projectFiles({ 'compose.yaml': `${base}services:\n${services.join('\n')}\n` });
    const { project } = await files.load();
    expect(Object.keys(project.services)).toHaveLength(5000);
    expect(project.services.s4999).toMatchObject({ image: 'x', hostname: 'h4999', environment: { A: '1', B: '2' } });
  });

  test('a merge key may carry its tag', async () => {
    using files = projectFiles({
      'compose.yaml': 'x-a: &a {image: x, tty: true}\nservices:\n  web: {!!merge <<: *a, image: y}\n',
    });
    expect((await files.load()).project.services.web).toMatchObject({ image: 'y', tty: true });
  });

  test.each([
    ['an anchor in itself', 'services:\n  web: &web\n    image: x\n    x-self: *web\n'],
    ['a merge of itself', 'services:\n  web: &web\n    image: x\n    <<: *web\n'],
  ])('%s is a cycle', async (_what, text) => {
    using files = projectFiles({ 'compose.yaml': text });
    expect(await files.mistakes()).toEqual([expect.stringContaining('cycle: anchor "web" contains itself')]);
  });

  test.each([
    ['flow lists', `x-deep: ${'['.repeat(10_000)}${']'.repeat(10_000)}\nservices: {}\n`],
    ['block maps', `services:\n${Array.from({ length: 3000 }, (_, at) => `${' '.repeat(at + 1)}a:`).join('\n')}\n`],
  ])('%s nested thousands deep are refused, quickly', async (_what, text) => {
    using files = projectFiles({ 'compose.yaml': text });
    const { result, milliseconds } = await timed(() => files.mistakes());
    expect(result.length).toBeGreaterThan(0);
    expect(milliseconds).toBeLessThan(20_000);
  });

  test('names that objects of JavaScript have are names like others', async () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const maps = names.map((name) => `${name}: v`).join(', ');
    using files = projectFiles({
      'compose.yaml': `services:\n${names.map((name) => `  ${name}: {image: x, environment: {${maps}}, labels: {${maps}}, networks: [${names.join(', ')}]}`).join('\n')}\nnetworks: {${names.map((name) => `${name}: {}`).join(', ')}}\n`,
    });
    const { project } = await files.load();
    expect(Object.keys(project.services).sort()).toEqual([...names].sort());
    for (const name of names) {
      const loaded = project.services[name];
      expect(Object.entries(loaded?.environment ?? {}).sort()).toEqual(names.map((key) => [key, 'v']).sort());
      expect(Object.keys(loaded?.labels ?? {}).sort()).toEqual([...names].sort());
      expect(project.networks[name]?.name).toBe(`demo_${name}`);
    }
    expect(({} as Record<string, unknown>).v).toBeUndefined();
    using wrong = projectFiles({ 'compose.yaml': service('constructor: 1\n__proto__: {a: 1}') });
    expect(await wrong.mistakes()).toHaveLength(2);
  });

  test('cycles of extends and include are told with their chain', async () => {
    using files = projectFiles({
      'compose.yaml':
        'include: [b.yaml]\nservices:\n  a: {image: x, extends: b}\n  b: {extends: {file: c.yaml, service: c}}\n',
      'b.yaml': 'include: [c.yaml]\nservices: {}\n',
      'c.yaml': 'include: [compose.yaml]\nservices:\n  c: {extends: {file: compose.yaml, service: a}}\n',
    });
    const found = await files.mistakes();
    expect(found).toContainEqual(
      expect.stringContaining(
        'include cycle detected: compose.yaml includes b.yaml includes c.yaml includes compose.yaml',
      ),
    );
    expect(found).toContainEqual(
      expect.stringContaining('circular reference: services extend each other: b -> c (c.yaml) -> a -> b'),
    );
  });

  test('ten megabytes are read, a million lines and endless files refused, all in bounded time', async () => {
    const lines = `  - ${'y'.repeat(96)}\n`.repeat(100_000);
    using large = projectFiles({ 'compose.yaml': `services: {web: {image: x}}\nx-a:\n${lines}` });
    const { result, milliseconds } = await timed(() => large.load());
    expect(Object.keys(result.project.services)).toEqual(['web']);
    expect(milliseconds).toBeLessThan(60_000);
    using long = projectFiles({ 'compose.yaml': `services: {}\n${'\n'.repeat(2_000_000)}` });
    expect(await long.mistakes()).toEqual([expect.stringMatching(/^compose\.yaml:1000000:1 more than 1000000 lines/)]);
    using endless = projectFiles({ 'compose.yaml': service('env_file: /dev/zero') });
    expect(await endless.mistakes()).toEqual([expect.stringContaining('open /dev/zero: is larger than 64 MiB')]);
  });

  test('names and values of variables that would break out of their line are refused or kept whole', async () => {
    using files = projectFiles({
      'compose.yaml': service('environment: {A: "$V", "B=C": x}\nenv_file: web.env'),
      'web.env': 'M="one\ntwo"\n',
    });
    const { project } = await files.load({ environment: { V: 'x\nservices: {evil: {}}' } });
    expect(Object.keys(project.services)).toEqual(['web']);
    expect(project.services.web?.environment).toMatchObject({ A: 'x\nservices: {evil: {}}', M: 'one\ntwo' });
    using zero = projectFiles({ 'compose.yaml': service('environment: {A: "\\0"}') });
    expect((await zero.load()).project.services.web?.environment).toMatchObject({ A: '\0' });
  });

  test('a megabyte in one value and a thousand services are loaded', async () => {
    const services = Array.from({ length: 1000 }, (_, at) => `  s${at}: {image: x, ports: ["${10_000 + at}:80"]}`);
    using files = projectFiles({
      'compose.yaml': `services:\n${services.join('\n')}\n  big: {image: x, command: ["${'x'.repeat(1 << 20)}"]}\n`,
    });
    const { result } = await timed(() => files.load());
    expect(result.project.services.big?.command?.[0]).toHaveLength(1 << 20);
    expect(Object.keys(result.project.services)).toHaveLength(1001);
  });
});
