import { describe, expect, test } from '@jest/globals';
import { resolveCapabilities } from '../../../src/engine/capabilities.ts';
import { ociSpec } from '../../../src/engine/oci-spec.ts';
import { resolveCustomSeccomp, resolveSeccomp } from '../../../src/engine/seccomp.ts';
import { specInput } from './oci-input.ts';

const plain = { privileged: false, bounding: ['CAP_SYS_ADMIN', 'CAP_NET_RAW'] };
const facts = { capabilities: [], architecture: 'amd64', hostArchitecture: 'amd64', kernelRelease: '6.1.0' };

describe('capabilities', () => {
  test('are fourteen by default, in either spelling added and dropped', () => {
    expect(resolveCapabilities({ add: [], drop: [], ...plain })).toHaveLength(14);
    const changed = resolveCapabilities({ add: ['net_admin'], drop: ['CAP_NET_RAW'], ...plain });
    expect(changed).toContain('CAP_NET_ADMIN');
    expect(changed).not.toContain('CAP_NET_RAW');
  });

  test('ALL is never more than the daemon itself holds', () => {
    expect(resolveCapabilities({ add: ['ALL'], drop: [], ...plain })).toEqual(['CAP_NET_RAW', 'CAP_SYS_ADMIN']);
    expect(resolveCapabilities({ add: ['ALL'], drop: ['NET_RAW'], ...plain })).toEqual(['CAP_SYS_ADMIN']);
    expect(resolveCapabilities({ add: ['CHOWN'], drop: ['all'], ...plain })).toEqual(['CAP_CHOWN']);
    expect(() => resolveCapabilities({ add: ['SYS_MAGIC'], drop: [], ...plain })).toThrow('SYS_MAGIC');
  });

  test('are held at once by root only, and never inheritable or ambient', () => {
    const user = { uid: 1000, gid: 1000, additionalGids: [], home: '/' };
    const { capabilities } = ociSpec(specInput({ user })).process;
    expect(capabilities).toMatchObject({ effective: [], permitted: [], inheritable: [], ambient: [] });
    expect(capabilities?.bounding).toHaveLength(14);
  });
});

describe('the system call filter', () => {
  const allowed = (given: Partial<typeof facts>) => resolveSeccomp({ ...facts, ...given }).syscalls[0]?.names ?? [];

  test('opens calls with the capability that governs them, and only then', () => {
    expect(allowed({})).not.toContain('mount');
    expect(allowed({})).not.toContain('io_uring_setup');
    expect(allowed({})).not.toContain('keyctl');
    expect(allowed({ capabilities: ['CAP_SYS_ADMIN'] } as never)).toContain('mount');
    expect(allowed({ kernelRelease: '4.4.0' })).not.toContain('ptrace');
    expect(allowed({})).toContain('ptrace');
  });

  test('answers clone3 with ENOSYS, refuses new namespaces, and AF_ALG and AF_VSOCK', () => {
    const { syscalls } = resolveSeccomp(facts);
    expect(syscalls).toContainEqual({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 });
    expect(syscalls).toContainEqual(
      expect.objectContaining({ names: ['clone'], args: [expect.objectContaining({ value: 0x7e020000 })] }),
    );
    const sockets = syscalls.filter((rule) => rule.names.includes('socket')).flatMap((rule) => rule.args ?? []);
    expect(sockets.map(({ op, value }) => `${op} ${value}`).sort()).toEqual([
      'SCMP_CMP_EQ 39',
      'SCMP_CMP_GT 40',
      'SCMP_CMP_LT 38',
    ]);
  });

  test('keeps the 32-bit table closed but for images of that architecture', () => {
    expect(resolveSeccomp(facts).architectures).toEqual(['SCMP_ARCH_X86_64']);
    expect(resolveSeccomp({ ...facts, architecture: '386' }).architectures).toContain('SCMP_ARCH_X86');
  });

  test('a profile of the user is resolved for capabilities and architecture', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW' },
        { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['chmod'], action: 'SCMP_ACT_ALLOW', excludes: { arches: ['amd64'] } },
      ],
    };
    const resolved = resolveCustomSeccomp(JSON.stringify(profile), facts);
    expect(resolved.syscalls.flatMap((rule) => rule.names)).toEqual(['read']);
    expect(resolved.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    expect(() => resolveCustomSeccomp('{', facts)).toThrow('not valid JSON');
  });
});

test('a mount of the user takes the place of one of ours, and outer mounts come before inner ones', () => {
  const bind = (destination: string) => ({ destination, type: 'bind', source: '/s', options: [] });
  const { mounts } = ociSpec(specInput({ mounts: [bind('/a/b/c'), bind('/a'), bind('/dev/shm')] }));
  expect(mounts.filter((mount) => mount.destination === '/dev/shm')).toHaveLength(1);
  const order = mounts.map((mount) => mount.destination);
  expect(order.indexOf('/a')).toBeLessThan(order.indexOf('/a/b/c'));
});

test('rates of block devices are limited by their numbers, weights where the kernel weighs', () => {
  const rate = [{ Path: '/dev/sda', Rate: 1024 }];
  const host = { BlkioDeviceReadBps: rate, BlkioWeight: 300 };
  const { resources } = ociSpec(specInput({ host })).linux;
  expect(resources?.blockIO).toEqual({ throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }], weight: 300 });
  const { facts: known } = specInput({});
  const without = ociSpec(specInput({ host, facts: { ...known, weighsBlockIO: false } })).linux.resources;
  expect(without?.blockIO).not.toHaveProperty('weight');
});
