import { expect, test } from '@jest/globals';
import type { InfoReply } from '../../../src/api/types/system.ts';
import { infoText } from '../../../src/cli/info-text.ts';

test('what an engine says of itself is told in Docker’s lines, and what it does not say in none', () => {
  const info = {
    ...{ Containers: 5, ContainersRunning: 1, ContainersPaused: 0, ContainersStopped: 4, Images: 3 },
    ...{ ServerVersion: '28.5.2', Driver: 'overlay2', DriverStatus: [['Backing Filesystem', 'extfs']] },
    ...{ LoggingDriver: 'json-file', CgroupDriver: 'cgroupfs', CgroupVersion: '2', CDISpecDirs: null },
    Plugins: { Volume: ['local'], Network: ['bridge', 'null'], Authorization: null, Log: ['local'] },
    ...{ Runtimes: { crun: { path: '' } }, DefaultRuntime: 'crun', SecurityOptions: ['name=seccomp,profile=builtin'] },
    ...{ KernelVersion: '6.1', OSType: 'linux', NCPU: 2, MemTotal: 2 ** 31, Name: 'host', DockerRootDir: '/data' },
    ...{ RegistryConfig: { IndexConfigs: { 'r:5000': { Secure: false } }, InsecureRegistryCIDRs: ['127.0.0.0/8'] } },
  } as unknown as InfoReply;
  expect(infoText({ version: '1', context: 'far', debug: false }, info).split('\n')).toEqual([
    ...['Client:', ' Version:    1', ' Context:    far', ' Debug Mode: false', '', 'Server:'],
    ...[' Containers: 5', '  Running: 1', '  Paused: 0', '  Stopped: 4', ' Images: 3', ' Server Version: 28.5.2'],
    ...[' Storage Driver: overlay2', '  Backing Filesystem: extfs', ' Logging Driver: json-file'],
    ...[' Cgroup Driver: cgroupfs', ' Cgroup Version: 2'],
    ...[' Plugins:', '  Volume: local', '  Network: bridge null', '  Log: local', ' Swarm: inactive'],
    ...[' Runtimes: crun', ' Default Runtime: crun', ' Security Options:', '  seccomp', '   Profile: builtin'],
    ...[' Kernel Version: 6.1', ' OSType: linux', ' CPUs: 2', ' Total Memory: 2GiB', ' Name: host'],
    ...[' Docker Root Dir: /data', ' Debug Mode: false', ' Experimental: false'],
    ...[' Insecure Registries:', '  r:5000', '  127.0.0.0/8', ' Live Restore Enabled: false'],
  ]);
});
