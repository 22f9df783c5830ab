import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithContainers } from '../../support/needs.ts';
import { createPrivateEngine, eventually, importBusybox, type PrivateEngine } from '../../support/private-engine.ts';
import { type Started, startDaemon } from './daemon-process.ts';

describeWithContainers('defaults of an engine', () => {
  let engine: PrivateEngine;
  let daemon: Started;
  let file: string;
  const configure = (config: object) => writeFileSync(file, JSON.stringify(config));
  const containers = {
    ...{ dns: ['192.0.2.7'], 'dns-search': ['corp.example'], 'default-shm-size': '32m' },
    ...{ 'default-ulimits': { nofile: { Name: 'nofile', Soft: 77, Hard: 99 } }, 'no-new-privileges': true },
  };
  beforeAll(async () => {
    engine = createPrivateEngine();
    file = join(engine.dir, 'iechord.json');
    configure({ ...containers, labels: ['place=first'] });
    const network = ['--icc=false', '--mtu', '1400', '--bip', '10.211.37.1/24'];
    const option = ['--default-network-opt', 'bridge=com.docker.network.driver.mtu=1300'];
    daemon = await startDaemon(engine.dir, '--config-file', file, ...network, ...option);
    importBusybox(engine);
  });
  afterAll(async () => {
    engine.dispose();
    await daemon.exit;
  });
  const said = (...args: string[]) => engine.iechor(args).stdout;
  const look =
    'grep -E "^(nameserver|search)" /etc/resolv.conf; stat -f -c %b:%s /dev/shm; ulimit -n; grep NoNewPrivs /proc/self/status';

  test('are what containers have that name nothing, and what they name wins', () => {
    const megabytes = (of: string) =>
      of.replace(/^(\d+):(\d+)$/m, (_, count, size) => `${(count * size) / 1024 ** 2}m`);
    const unnamed = megabytes(said('run', '--rm', '--network', 'host', 'busybox', 'sh', '-c', look));
    expect(unnamed).toBe('nameserver 192.0.2.7\nsearch corp.example\n32m\n77\nNoNewPrivs:\t1\n');
    const own = ['--dns', '192.0.2.8', '--shm-size', '8m', '--ulimit', 'nofile=50', '--dns-search', 'own.example'];
    const free = ['--security-opt', 'no-new-privileges=false', '--network', 'host'];
    const named = megabytes(said('run', '--rm', ...own, ...free, 'busybox', 'sh', '-c', look));
    expect(named).toBe('nameserver 192.0.2.8\nsearch own.example\n8m\n50\nNoNewPrivs:\t0\n');
  });

  test('are what the built-in network is, and the networks that are made', () => {
    const link = ['busybox', 'cat', '/sys/class/net/eth0/mtu'];
    expect(said('run', '--rm', ...link)).toBe('1400\n');
    said('network', 'create', 'made');
    expect(said('run', '--rm', '--network', 'made', ...link)).toBe('1300\n');
    said('run', '-d', '--name', 'other', 'busybox', 'sleep', '600');
    const address = said('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'other').trim();
    expect(address).toMatch(/^10\.211\.37\./);
    expect(engine.iechor(['run', '--rm', 'busybox', 'ping', '-c1', '-W1', address]).exit).toBe(1);
    expect(said('exec', 'other', 'ping', '-c1', '-W5', '10.211.37.1')).toContain('1 packets received');
  });

  test('are read again after a SIGHUP, also after one where the file was wrong', async () => {
    const labels = () => said('info', '-f', '{{json .Labels}}');
    expect(labels()).toBe('["place=first"]\n');
    configure({ labels: 'wrong' });
    daemon.child.kill('SIGHUP');
    configure({ labels: ['place=second'] });
    await eventually('the labels are the new ones', () => {
      daemon.child.kill('SIGHUP');
      return labels() === '["place=second"]\n';
    });
  });
});
