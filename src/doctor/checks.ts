import { existsSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { formatBytes } from '../common/bytes.ts';
import { messageOf } from '../common/error.ts';
import { cgroupMounts } from '../host/cgroup.ts';
import { readIfThere } from '../host/files.ts';
import { readKernelFacts } from '../host/kernel-facts.ts';
import { readSysctl } from '../host/netns-system.ts';
import { nft } from '../host/nft.ts';
import { findProgram } from '../host/runtime-probe.ts';
import type { Check, Finding } from './finding.ts';
import { runtimes } from './runtimes.ts';

const one = (finding: Finding): readonly Finding[] => [finding];
const ok = (name: string, detail: string): readonly Finding[] => one({ status: 'ok', name, detail });

const rights: Check = async () => {
  if (process.getuid?.() !== 0)
    return one({
      status: 'fail',
      name: 'rights',
      detail: 'not root: the engine cannot start, and some checks cannot look',
      fix: 'run it with sudo',
    });
  const bounding = readKernelFacts().boundingMask;
  const needed = [
    ['CAP_SYS_ADMIN', 21n],
    ['CAP_NET_ADMIN', 12n],
    ['CAP_MKNOD', 27n],
  ] as const;
  const lacking = needed.filter(([, bit]) => ((bounding >> bit) & 1n) === 0n).map(([name]) => name);
  if (lacking.length === 0) return ok('rights', 'root with the capabilities the engine needs');
  return one({
    status: 'fail',
    name: 'rights',
    detail: `root without ${lacking.join(', ')}`,
    fix: 'start the surrounding container with these capabilities (--privileged)',
  });
};

const kernel: Check = async () => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const old = major < 5 || (major === 5 && minor < 6);
  if (old)
    return one({
      status: 'warn',
      name: 'kernel',
      detail: `Linux ${release()}; tested from 5.6 on`,
      fix: 'use a newer kernel',
    });
  return ok('kernel', `Linux ${release()}`);
};

const overlay: Check = async () => {
  if (/\boverlay\b/.test(readIfThere('/proc/filesystems') ?? '')) return ok('overlayfs', 'in the kernel');
  return one({
    status: 'fail',
    name: 'overlayfs',
    detail: 'not in the kernel: images cannot be layered',
    fix: 'modprobe overlay',
    repair: { kind: 'load-module', module: 'overlay' },
  });
};

const namespaces: Check = async () => {
  const missing = ['pid', 'mnt', 'net', 'uts', 'ipc', 'cgroup'].filter((name) => !existsSync(`/proc/self/ns/${name}`));
  if (missing.length === 0) return ok('namespaces', 'pid, mount, network, uts, ipc, cgroup');
  return one({
    status: 'fail',
    name: 'namespaces',
    detail: `missing: ${missing.join(', ')}`,
    fix: 'use a kernel with these namespaces',
  });
};

const seccomp: Check = async () => {
  if (/^Seccomp:/m.test(readIfThere('/proc/self/status') ?? ''))
    return ok('seccomp', 'system calls of containers are filtered');
  return one({
    status: 'warn',
    name: 'seccomp',
    detail: 'not in the kernel: containers run without a system call filter',
    fix: 'use a kernel with CONFIG_SECCOMP_FILTER',
  });
};

const cgroups: Check = async () => {
  const { mode, controllers, unified } = cgroupMounts();
  const available =
    mode === 'v2'
      ? (readIfThere(`${unified}/cgroup.controllers`) ?? '').trim().split(/\s+/)
      : [...controllers.keys()].filter((name) => !name.includes('='));
  const missing = ['memory', 'cpu', 'pids'].filter((name) => !available.includes(name));
  const found: Finding[] = [];
  if (missing.length === 0)
    found.push({ status: 'ok', name: 'cgroups', detail: `${mode}, with ${available.join(', ')}` });
  else
    found.push({
      status: 'warn',
      name: 'cgroups',
      detail: `${mode}, without ${missing.join(', ')}: these limits do not work`,
      fix: 'enable the controllers (kernel command line, or delegation by systemd)',
    });
  if (mode === 'hybrid' && /\bhugetlb\b/.test(readIfThere(`${unified}/cgroup.controllers`) ?? '')) {
    found.push({
      status: 'info',
      name: 'hugetlb controller',
      detail: 'in the v2 tree of a v1 host: crun refuses every container, so the slower runc has to do',
      fix: 'mkdir /sys/fs/cgroup/hugetlb && mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb',
      repair: { kind: 'mount-controller', controller: 'hugetlb' },
    });
  }
  return found;
};

const programs: Check = async () =>
  [
    { program: 'conmon', needed: true, why: 'the process beside each container' },
    { program: 'nft', needed: true, why: 'networks and published ports' },
    { program: 'mmdebstrap', needed: false, why: 'image bootstrap (base images without a registry)' },
  ].map(({ program, needed, why }): Finding => {
    const path = findProgram(program);
    if (path) return { status: 'ok', name: program, detail: path };
    const debian = program === 'nft' ? 'nftables' : program;
    return {
      status: needed ? 'fail' : 'warn',
      name: program,
      detail: `not installed; needed for ${why}`,
      fix: `apt-get install ${debian}`,
      repair: { kind: 'install', packages: [debian] },
    };
  });

const firewall: Check = async () => {
  let ruleset: string;
  try {
    // Chains without their rules: rules of iptables make nft complain about each extension it does not know.
    ruleset = nft('list chains');
  } catch (error) {
    return one({
      status: 'fail',
      name: 'nftables',
      detail: messageOf(error),
      fix: 'use a kernel with nf_tables, as root',
    });
  }
  const dropping = [
    ...ruleset.matchAll(/^table (\S+ \S+) \{|type filter hook forward priority [^;]+; policy (drop|accept);/gm),
  ];
  let table = '';
  const tables: string[] = [];
  for (const [, name, policy] of dropping) {
    if (name) table = name;
    if (policy === 'drop' && !table.includes('iechor')) tables.push(table);
  }
  if (tables.length === 0) return ok('forwarding', 'no other firewall drops what containers send to the outside');
  if (/chain DOCKER-USER/.test(ruleset))
    return ok(
      'forwarding',
      `dropped by table ${tables.join(', ')}; the engine adds its rules to its DOCKER-USER chain`,
    );
  return one({
    status: 'warn',
    name: 'forwarding',
    detail: `dropped by table ${tables.join(', ')}: containers will not reach the outside, nor be reached from there`,
    fix: 'accept forwarded traffic of the bridges (names beginning with iechor) in that firewall',
  });
};

const forwarding: Check = async () => {
  const value = readSysctl('net.ipv4.ip_forward')?.trim();
  return ok('ip_forward', value === '1' ? 'on' : 'off; the engine switches it on with its first network');
};

const tun: Check = async () => {
  if (existsSync('/dev/net/tun')) return ok('/dev/net/tun', 'there');
  return one({
    status: 'info',
    name: '/dev/net/tun',
    detail: 'missing: VPN containers will not work',
    fix: 'modprobe tun',
  });
};

const disk: Check = async () => {
  const root = existsSync('/var/lib/iechor') ? '/var/lib/iechor' : '/var/lib';
  const { bavail, bsize } = statfsSync(root);
  const free = bavail * bsize;
  if (free > 2e9) return ok('disk', `${formatBytes(free)} free below ${root}`);
  return one({
    status: 'warn',
    name: 'disk',
    detail: `only ${formatBytes(free)} free below ${root}`,
    fix: 'make room, or start the engine with another --data-root',
  });
};

/** All checks, in the order in which they are shown. */
export const checks: readonly Check[] = [
  rights,
  kernel,
  overlay,
  namespaces,
  seccomp,
  cgroups,
  runtimes,
  programs,
  firewall,
  forwarding,
  tun,
  disk,
];
