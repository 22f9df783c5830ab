import { describe, expect, test } from '@jest/globals';
import { projectFiles, service } from './project-files.ts';

const read = async (attributes: string, top = '') => {
  using files = projectFiles({ 'compose.yaml': service(attributes) + top });
  const { project } = await files.load({ environment: { HOME: '/home/me', SHELL_VAR: 'shell' } });
  const { web } = project.services;
  return JSON.parse(JSON.stringify(web).replaceAll(files.directory, '.'));
};

describe('attributes in canonical form', () => {
  test.each<[string, Record<string, unknown>]>([
    [
      'environment: {A: 1.0, B: 1e3, C: true, D: , E: 0777, F: "0777", G: 0x10, H: yes}',
      { environment: { A: '1', B: '1000', C: 'true', D: null, E: '511', F: '0777', G: '16', H: 'yes' } },
    ],
    ['environment: [SHELL_VAR, NOWHERE, A=b=c]', { environment: { A: 'b=c', NOWHERE: null, SHELL_VAR: 'shell' } }],
    [
      'mem_limit: 1.5gb\nshm_size: 64m\nmem_reservation: 100',
      { mem_limit: 1610612736, shm_size: 67108864, mem_reservation: 100 },
    ],
    [
      'stop_grace_period: 1m30s\nhealthcheck: {interval: 0.5s, timeout: 2d}',
      { stop_grace_period: 90e9, healthcheck: { interval: 5e8, timeout: 172800e9 } },
    ],
    ['command: echo "a b" \'c\' d\\ e; rm', { command: ['echo', 'a b', 'c', 'd e'] }],
    ['command: []\nentrypoint: ""', { command: [], entrypoint: [] }],
    [
      'blkio_config: {device_read_bps: [{path: /a}], weight_device: [{weight: 5}]}',
      { blkio_config: { device_read_bps: [{ path: '/a', rate: 0 }], weight_device: [{ path: '', weight: 5 }] } },
    ],
    [
      'ports: ["22:22", "127.0.0.1:8000-8001:80-81/udp", "9000-9005:90", "[::1]:1:2"]',
      {
        ports: [
          { mode: 'ingress', target: 22, published: '22', protocol: 'tcp' },
          { mode: 'ingress', host_ip: '127.0.0.1', target: 80, published: '8000', protocol: 'udp' },
          { mode: 'ingress', host_ip: '127.0.0.1', target: 81, published: '8001', protocol: 'udp' },
          { mode: 'ingress', target: 90, published: '9000-9005', protocol: 'tcp' },
          { mode: 'ingress', host_ip: '::1', target: 2, published: '1', protocol: 'tcp' },
        ],
      },
    ],
    [
      'volumes: ["./d/:/d/:ro,z", "/anon", "~/h:/h", {type: tmpfs, target: /t, tmpfs: {size: 1m}}]',
      {
        volumes: [
          {
            type: 'bind',
            source: './d',
            target: '/d',
            read_only: true,
            bind: { selinux: 'z', create_host_path: true },
          },
          { type: 'volume', target: '/anon', volume: {} },
          { type: 'bind', source: '/home/me/h', target: '/h', bind: { create_host_path: true } },
          { type: 'tmpfs', target: '/t', tmpfs: { size: 1048576 } },
        ],
      },
    ],
    ['build: .', { build: { context: '.', dockerfile: 'Dockerfile' } }],
    ['cpus: "0.1"\ncpu_percent: 50\nscale: "2"', { cpus: 0.1, cpu_percent: 50, scale: 2 }],
    [
      'gpus: all\ndevices: ["/dev/a:/dev/b", "vendor.com/class=x"]',
      {
        gpus: [{ count: -1 }],
        devices: [
          { source: '/dev/a', target: '/dev/b', permissions: 'rwm' },
          { source: 'vendor.com/class=x', target: 'vendor.com/class=x', permissions: 'rwm' },
        ],
      },
    ],
    [
      'ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}',
      { ulimits: { nofile: { soft: 1, hard: 2 }, nproc: { single: 5 } } },
    ],
    ['extra_hosts: ["a=[::1]", "b:1.1.1.1,2.2.2.2"]', { extra_hosts: { a: ['::1'], b: ['1.1.1.1', '2.2.2.2'] } }],
    ['dns: 1.1.1.1\ntmpfs: /t\nexpose: [80, "90/udp"]', { dns: ['1.1.1.1'], tmpfs: ['/t'], expose: ['80', '90/udp'] }],
    ['x-mine: {a: [1, {b: null}]}', { 'x-mine': { a: [1, { b: null }] } }],
    ['init: false\nattach: "no"\nprivileged: false', { init: false, attach: false }],
  ])('%s', async (attributes, expected) => {
    expect(await read(attributes)).toMatchObject(expected);
  });

  test('a service has a network, and links make dependencies', async () => {
    const web = await read(
      'links: ["db:database"]\nnetwork_mode: "service:db"\nvolumes_from: ["other:ro"]',
      '  db: {image: x}\n  other: {image: x}\n',
    );
    expect(web).not.toHaveProperty('networks');
    expect(web.depends_on).toEqual({
      db: { condition: 'service_started', restart: true, required: true },
      other: { condition: 'service_started', required: true },
    });
    expect((await read('')).networks).toEqual({ default: null });
  });

  test('secrets know their path and the value of their variable', async () => {
    using files = projectFiles({
      'compose.yaml': `${service('secrets: [s, {source: f, target: x, mode: "0440"}]')}secrets: {s: {environment: SHELL_VAR}, f: {file: ./f.txt}}\n`,
    });
    const { project } = await files.load({ environment: { SHELL_VAR: 'secret' } });
    expect(project.services.web?.secrets).toEqual([
      { source: 's', target: '/run/secrets/s' },
      { source: 'f', target: 'x', mode: 0o440 },
    ]);
    expect(project.secrets).toMatchObject({
      s: { name: 'demo_s', environment: 'SHELL_VAR', content: 'secret' },
      f: { file: `${files.directory}/f.txt` },
    });
  });

  test('env files come below environment, later ones win, and raw ones are verbatim', async () => {
    using files = projectFiles({
      'compose.yaml': service(
        'environment: {A: own, N: }\nenv_file:\n- one.env\n- {path: two.env, format: raw}\n- {path: gone.env, required: false}',
      ),
      'one.env': 'A=1\nB=1\nC=$B\nN=file\n',
      'two.env': 'B="2"\n',
    });
    const { project } = await files.load();
    expect(project.services.web?.environment).toEqual({ A: 'own', B: '"2"', C: '1', N: null });
    expect(project.services.web).not.toHaveProperty('env_file');
  });
});
