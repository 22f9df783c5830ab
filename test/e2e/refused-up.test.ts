import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../support/free-port.ts';
import { describeWithContainers } from '../support/needs.ts';
import { createPrivateEngine, importBusybox, type PrivateEngine } from '../support/private-engine.ts';
import { writeProject } from '../support/projects.ts';

// The first service could run; of the second something is wrong, which `up` must see before it begins.
const file = (wrong: string, more = '') => `name: shop
services:
  fine: {image: "busybox:latest", command: ["sleep", "1000"], stop_signal: SIGKILL, volumes: ["data:/data"]}
  wrong:
    image: busybox:latest
    command: ["sleep", "1000"]
    stop_signal: SIGKILL
    ${wrong}
volumes:
  data: {}
${more}`;

const fixed = 'networks:\n  back: {ipam: {config: [{subnet: 10.213.7.0/24}]}}';
/** What is wrong, where it stands (line:column), and what is said of it. */
const cases: readonly (readonly [what: string, wrong: string, more: string, place: string, words: string])[] = [
  [
    'a directory to bind that is not there',
    'volumes: [{type: bind, source: ./no, target: /x, bind: {create_host_path: false}}]',
    '',
    '8:15',
    '/no',
  ],
  ['a directory to bind below a file', 'volumes: ["./compose.yaml/x:/x"]', '', '8:15', 'compose.yaml is no directory'],
  ['a secret whose file is not there', 'secrets: [key]', 'secrets: {key: {file: ./no.txt}}', '11:23', '/no.txt'],
  [
    'a config whose file is not there',
    'configs: [{source: site, mode: 0440}]',
    'configs: {site: {file: ./no.conf}}',
    '11:24',
    '/no.conf',
  ],
  [
    'a secret whose variable is not set',
    'secrets: [key]',
    'secrets: {key: {environment: NO_SUCH_VARIABLE}}',
    '11:30',
    'NO_SUCH_VARIABLE',
  ],
  ['a device that is not there', 'devices: ["/dev/no-such:/dev/x"]', '', '8:15', '/dev/no-such'],
  ['a container to share a network with', 'network_mode: container:no-such', '', '8:19', 'no-such'],
  [
    'an external network',
    'networks: [far]',
    'networks: {far: {external: true}}',
    '11:28',
    'network far declared as external, but could not be found',
  ],
  ['an external volume', 'volumes: ["far:/x"]', '  far: {external: true}', '11:19', 'external volume "far" not found'],
  ['a driver of a volume', 'volumes: ["odd:/x"]', '  odd: {driver: no-such}', '11:17', 'no-such'],
  [
    'a directory that a volume binds',
    'volumes: ["odd:/x"]',
    '  odd: {driver_opts: {type: none, o: bind, device: /no-such}}',
    '11:9',
    '/no-such',
  ],
  ['a driver of a network', 'networks: [odd]', 'networks: {odd: {driver: no-such}}', '11:26', 'no-such'],
  [
    'a subnet that is none',
    'networks: [odd]',
    'networks: {odd: {ipam: {config: [{subnet: 10.9.9.7/24}]}}}',
    '11:25',
    'it should be 10.9.9.0/24',
  ],
  [
    'an address outside its network',
    'networks: {back: {ipv4_address: 10.9.9.9}}',
    fixed,
    '8:37',
    'contain the IP address',
  ],
  ['the address of the gateway', 'networks: {back: {ipv4_address: 10.213.7.1}}', fixed, '8:37', 'the gateway'],
  ['a capability', 'cap_add: [NO_SUCH]', '', '8:5', 'NO_SUCH'],
  ['a sysctl', 'sysctls: {kernel.no_such: 1}', '', '8:5', 'kernel.no_such'],
  ['a log driver', 'logging: {driver: no-such}', '', '8:5', 'no-such'],
  ['an OCI runtime', 'runtime: no-such', '', '8:14', 'no-such'],
  ['a name that another service has', 'container_name: shop-fine-1', '', '8:21', 'shop-fine-1'],
];

describeWithContainers('an up that cannot succeed', () => {
  let engine: PrivateEngine;
  const left = () =>
    [
      ...engine.iechor(['ps', '-aq']).stdout.split('\n'),
      ...engine.iechor(['network', 'ls', '-q', '--filter', 'label=com.docker.compose.project']).stdout.split('\n'),
      ...engine.iechor(['volume', 'ls', '-q']).stdout.split('\n'),
    ].filter(Boolean);
  const refused = (text: string) => {
    const dir = writeProject(engine, 'shop', { 'compose.yaml': text });
    return engine.iechor(['compose', 'up', '-d'], { cwd: dir });
  };

  beforeAll(() => {
    engine = createPrivateEngine();
    importBusybox(engine);
  });
  afterAll(() => engine.dispose());

  test.each(cases)('says at once what is wrong with %s, and where', (_, wrong, more, place, words) => {
    const { exit, stderr } = refused(file(wrong, more));
    expect({ exit, stderr }).toMatchObject({ exit: expect.any(Number), stderr: expect.stringContaining(words) });
    expect(exit).not.toBe(0);
    expect(stderr).toContain(`compose.yaml:${place} `);
  });

  test('shows the plan all the same with --dry-run, and then says what is wrong', () => {
    const dir = writeProject(engine, 'shop', { 'compose.yaml': file('cap_add: [NO_SUCH]') });
    const { exit, stdout, stderr } = engine.iechor(['compose', 'up', '--dry-run'], { cwd: dir });
    expect(exit).not.toBe(0);
    expect(stdout).toContain('startContainer   container:wrong:1');
    expect(stderr).toContain('compose.yaml:8:5 ');
  });

  test('made nothing at all so far', () => {
    expect(left()).toEqual([]);
  });

  test('makes nothing for want of a port that a program has, which it names', async () => {
    const port = await freePort();
    const script = `require('net').createServer().listen(${port}, '127.0.0.1', () => console.log('listens'))`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      const { exit, stderr } = refused(file(`ports: ["127.0.0.1:${port}:80"]`));
      expect(exit).toBe(1);
      expect(stderr).toContain('compose.yaml:8:13 ');
      expect(stderr).toContain(`process ${holder.pid}`);
      expect(left()).toEqual([]);
    } finally {
      holder.kill('SIGKILL');
    }
  });

  test('takes back what it made where a program is not in the image, and keeps it where asked to', () => {
    const text = file('entrypoint: ["/no-such-program"]');
    expect(refused(text)).toMatchObject({ exit: 1, stderr: expect.stringContaining('/no-such-program') });
    expect(left()).toEqual([]);
    const dir = writeProject(engine, 'shop', { 'compose.yaml': text });
    expect(engine.iechor(['compose', 'up', '-d', '--keep-failed'], { cwd: dir }).exit).toBe(1);
    expect(engine.iechor(['ps', '-a', '--format', '{{.Names}}']).stdout.trim().split('\n').sort()).toEqual([
      'shop-fine-1',
      'shop-wrong-1',
    ]);
    expect(engine.iechor(['compose', 'down', '-v'], { cwd: dir }).exit).toBe(0);
    expect(left()).toEqual([]);
  });
  test('starts again what it had replaced, with its address and port, where the new one never works', async () => {
    const port = await freePort();
    const text = (version: string) =>
      file(
        `environment: {VERSION: ${version}}
    ports: ["127.0.0.1:${port}:80"]
    networks: {back: {ipv4_address: 10.213.7.9}}
    healthcheck: {test: "test $$VERSION = good", interval: 100ms, retries: 2}`,
        `${fixed}\n`,
      );
    const dir = writeProject(engine, 'shop', { 'compose.yaml': text('good') });
    const up = () => engine.iechor(['compose', 'up', '-d', '--wait'], { cwd: dir });
    const all = () => engine.iechor(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Ports}}']);
    expect(up()).toMatchObject({ exit: 0 });
    const before = all().stdout;
    writeProject(engine, 'shop', { 'compose.yaml': text('bad') });
    expect(up()).toMatchObject({ exit: 1, stderr: expect.stringContaining('shop-wrong-1 runs again as before') });
    expect(all().stdout).toBe(before);
    expect(engine.iechor(['compose', 'down', '-v'], { cwd: dir }).exit).toBe(0);
    expect(left()).toEqual([]);
  });
});
