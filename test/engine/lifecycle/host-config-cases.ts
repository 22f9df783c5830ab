import { readlinkSync } from 'node:fs';
import type { ContainerCreateBody } from '../../../src/api/types/container.ts';
import type { HostConfig } from '../../../src/api/types/host-config.ts';
import { isRoot } from './support.ts';

const mebi = 1024 ** 2;

/** What a container sees of its configuration: lines of a script, and what each of them says. */
export const seenInside: readonly {
  fields: HostConfig;
  also?: ContainerCreateBody;
  look: Record<string, string | RegExp>;
}[] = [
  {
    fields: {
      ...{ CapDrop: ['ALL'], CapAdd: ['CHOWN', 'NET_ADMIN'], SecurityOpt: ['no-new-privileges'], OomScoreAdj: 321 },
      ...{ Ulimits: [{ Name: 'nofile', Soft: 123, Hard: 456 }], Init: true, GroupAdd: ['4242'], ShmSize: 3 * mebi },
      ...{ ReadonlyRootfs: true, Tmpfs: { '/scratch': 'size=1m,mode=700' }, ContainerIDFile: '/only/told' },
    },
    look: {
      "sed -n 's/CapEff:\\t//p' /proc/self/status": '0000000000001001',
      "sed -n 's/NoNewPrivs:\\t//p' /proc/self/status": '1',
      'cat /proc/self/oom_score_adj': '321',
      'ulimit -Sn; ulimit -Hn': '123\n456',
      'cat /proc/1/comm': /tini|docker-init|catatonit|init/,
      'id -G': /\b4242\b/,
      "df -k /dev/shm | tail -n 1 | awk '{print $2}'": '3072',
      'touch /x 2>&1': /Read-only file system/,
      "stat -c %a /scratch; df -k /scratch | tail -n 1 | awk '{print $2}'": '700\n1024',
    },
  },
  {
    fields: {
      ...{ Dns: ['192.0.2.53'], DnsSearch: ['example.org'], DnsOptions: ['ndots:3'], ExtraHosts: ['far:192.0.2.7'] },
      ...{ Sysctls: { 'net.ipv4.ip_local_port_range': '2000 3000' }, NetworkMode: 'none' },
      ...{ MaskedPaths: ['/proc/version'], ReadonlyPaths: ['/etc'] },
    },
    also: { Hostname: 'named', Domainname: 'example.net', User: '1000:44', WorkingDir: '/new/dir', Env: ['A=b'] },
    look: {
      'cat /etc/resolv.conf':
        /nameserver 192\.0\.2\.53[\s\S]*search example\.org[\s\S]*options.*ndots:3|search example\.org[\s\S]*nameserver 192\.0\.2\.53/,
      'grep far /etc/hosts': '192.0.2.7\tfar',
      'cat /proc/sys/net/ipv4/ip_local_port_range': '2000\t3000',
      'ls /sys/class/net': 'lo',
      'cat /proc/version': '',
      'grep " /etc " /proc/self/mountinfo | grep -c " ro[, ]"': '1',
      'hostname; cat /proc/sys/kernel/domainname; id -u; id -g; pwd; echo $A':
        'named\nexample.net\n1000\n44\n/new/dir\nb',
    },
  },
  {
    fields: {
      ...{ Devices: [{ PathOnHost: '/dev/kmsg', PathInContainer: '/dev/nought', CgroupPermissions: 'r' }] },
      ...{ DeviceCgroupRules: ['c 10:222 rw'], Binds: ['/usr/bin/busybox:/busybox:ro'], VolumeDriver: 'local' },
      Mounts: [{ Type: 'tmpfs', Target: '/mounted', TmpfsOptions: { SizeBytes: mebi } }],
    },
    look: {
      'test -c /dev/nought && echo there': 'there',
      '(echo x > /dev/nought) 2>&1': /not permitted/,
      'mknod /k c 10 222; (: < /k) 2>&1': /No such device/,
      'mknod /m c 1 1 && (cat /m) 2>&1': /not permitted/,
      '/busybox echo bound; touch /busybox 2>&1': /^bound\n.*Read-only/,
      "df -k /mounted | tail -n 1 | awk '{print $2}'": '1024',
    },
  },
  {
    fields: {
      Privileged: true,
      CgroupnsMode: 'host',
      PidMode: 'host',
      IpcMode: 'host',
      UTSMode: 'host',
      NetworkMode: 'host',
    },
    look: {
      ...Object.fromEntries(
        ['cgroup', 'pid', 'ipc', 'uts', 'net'].map((name) => [
          `readlink /proc/self/ns/${name}`,
          isRoot ? readlinkSync(`/proc/self/ns/${name}`) : '',
        ]),
      ),
      'test -c /dev/kmsg || test -c /dev/mem || test -c /dev/fuse; mount -t tmpfs x /tmp && echo mounted': 'mounted',
    },
  },
  {
    fields: { CgroupnsMode: 'private', IpcMode: 'private', PidMode: '', UTSMode: '' },
    look: Object.fromEntries(
      ['cgroup', 'pid', 'ipc', 'uts', 'net'].map((name) => [
        `test "$(readlink /proc/self/ns/${name})" != "${isRoot ? readlinkSync(`/proc/self/ns/${name}`) : ''}" && echo own`,
        'own',
      ]),
    ),
  },
];

/** What the kernel's control groups say of a container, by controller and file. */
export const seenInCgroups: readonly { fields: HostConfig; files: Record<string, string | RegExp> }[] = [
  {
    fields: {
      ...{ Memory: 64 * mebi, MemoryReservation: 32 * mebi, MemorySwappiness: 7, OomKillDisable: true, PidsLimit: 77 },
      ...{ CpuShares: 512, CpuPeriod: 50_000, CpuQuota: 25_000, CpusetCpus: '0', CpusetMems: '0' },
    },
    files: {
      'memory/memory.limit_in_bytes': String(64 * mebi),
      'memory/memory.soft_limit_in_bytes': String(32 * mebi),
      'memory/memory.swappiness': '7',
      'memory/memory.oom_control': /oom_kill_disable 1/,
      'pids/pids.max': '77',
      'cpu/cpu.shares': '512',
      'cpu/cpu.cfs_period_us': '50000',
      'cpu/cpu.cfs_quota_us': '25000',
      'cpuset/cpuset.cpus': '0',
      'cpuset/cpuset.mems': '0',
    },
  },
  {
    fields: { NanoCpus: 500_000_000, Memory: 64 * mebi, MemorySwap: 100 * mebi, PidsLimit: -1 },
    files: {
      'cpu/cpu.cfs_quota_us': '50000',
      'memory/memory.memsw.limit_in_bytes': String(100 * mebi),
      'pids/pids.max': 'max',
    },
  },
  {
    fields: { KernelMemoryTCP: 8 * mebi },
    files: { 'memory/memory.kmem.tcp.limit_in_bytes': String(8 * mebi) },
  },
];

/** What is refused, at the creation or at the start, by a message that names it. */
export const refused: readonly [HostConfig, RegExp][] = [
  [{ CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 2000 }, /real-time/],
  [{ Isolation: 'hyperv' }, /Isolation|isolation/],
  [{ UsernsMode: 'keep-id' }, /UsernsMode|user namespace|userns/i],
  [{ Cgroup: 'container:x' }, /Cgroup/],
  [{ StorageOpt: { size: '1G' } }, /--storage-opt/],
  [{ Runtime: 'kata' }, /kata/],
  [{ DeviceRequests: [{ Driver: 'nvidia' }] }, /could not select device driver "nvidia"/],
  [{ VolumeDriver: 'nfs', Binds: ['vol:/data'] }, /nfs/],
  [{ Binds: ['vol:/data:copy'] }, /invalid mode: copy/],
  [{ LogConfig: { Type: 'nowhere' } }, /nowhere/],
  [{ Annotations: { 'run.oci.hooks.x': 'y' } }, /run\.oci/],
  [{ BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 1 }] }, /\/dev\/null/],
  [{ BlkioDeviceWriteBps: [{ Path: '/dev/null', Rate: 1 }] }, /\/dev\/null/],
  [{ BlkioDeviceReadIOps: [{ Path: '/dev/null', Rate: 1 }] }, /\/dev\/null/],
  [{ BlkioDeviceWriteIOps: [{ Path: '/dev/null', Rate: 1 }] }, /\/dev\/null/],
  [{ BlkioWeight: 5 }, /blkio weight/],
  [{ BlkioWeightDevice: [{ Path: '/dev/null', Weight: 1 }] }, /blkio weight/],
];
