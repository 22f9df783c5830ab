import { IechorError } from '../common/error.ts';
import { contentTrustFlag } from './content-trust.ts';
import { Flags } from './flags.ts';

const text = (
  summary: string,
  char?: 'a' | 'c' | 'e' | 'h' | 'l' | 'm' | 'p' | 'u' | 'v' | 'w',
  helpValue = 'string',
) => Flags.string({ summary, helpValue, ...(char ? { char } : {}) });
const list = (summary: string, char?: 'a' | 'e' | 'l' | 'p' | 'v', helpValue = 'list') =>
  Flags.string({ summary, helpValue, multiple: true, multipleNonGreedy: true, ...(char ? { char } : {}) });
const whole = (summary: string, char?: 'c') => Flags.integer({ summary, helpValue: 'int', ...(char ? { char } : {}) });

/** In whichever case: VS Code writes STDOUT. */
function streamOf(name: string): string {
  if (/^std(in|out|err)$/i.test(name)) return name.toLowerCase();
  throw new IechorError('USAGE', `invalid argument "${name}" for "-a, --attach" flag`, {
    hint: 'valid streams are STDIN, STDOUT and STDERR',
  });
}

/** Which streams a client takes: those of `-a`, else both outputs, and the input where it is kept open. */
export function attachedStreams(flags: {
  readonly attach?: readonly string[] | undefined;
  readonly interactive: boolean;
}) {
  const streams = flags.attach?.map(streamOf) ?? ['stdout', 'stderr', ...(flags.interactive ? ['stdin'] : [])];
  return {
    streams,
    config: {
      AttachStdin: streams.includes('stdin'),
      AttachStdout: streams.includes('stdout'),
      AttachStderr: streams.includes('stderr'),
      // The input ends with the client that gave it.
      StdinOnce: flags.interactive && streams.includes('stdin'),
    },
  };
}

/** Flags of `run` and `create` that describe the container; container-body.ts gives each its meaning. */
export const containerFlags = {
  'add-host': list('Add a host name to /etc/hosts (host:ip)'),
  attach: Flags.string({
    char: 'a',
    summary: 'Attach to stdin, stdout or stderr',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'list',
  }),
  annotation: list('Annotation handed to the OCI runtime (key=value)'),
  'blkio-weight': whole('Relative weight of block I/O (10 to 1000)'),
  'blkio-weight-device': list('The same for one device (/dev/x:weight)'),
  'cap-add': list('Add a Linux capability'),
  'cap-drop': list('Drop a Linux capability'),
  'cgroup-parent': text("Parent of the container's control group"),
  cgroupns: text('Control group namespace: private, host'),
  cidfile: text("Write the container's id to this file", undefined, 'file'),
  'cpu-period': whole('CFS period in microseconds'),
  'cpu-quota': whole('CFS quota in microseconds'),
  'cpu-rt-period': whole('Period of real-time scheduling in microseconds'),
  'cpu-rt-runtime': whole('Share of it for real-time processes, in microseconds'),
  'cpu-shares': whole('Relative CPU weight', 'c'),
  cpus: text('Number of CPUs, e.g. 1.5', undefined, 'decimal'),
  'cpuset-cpus': text('CPUs it may run on (0-3, 0,1)'),
  'cpuset-mems': text('Memory nodes it may use'),
  device: list('Make a device available (/dev/x[:/dev/y[:rwm]], or vendor.com/class=name)'),
  'device-cgroup-rule': list('Rule of the device control group (c 1:3 rwm)'),
  'device-read-bps': list('Limit of reading, in bytes per second (/dev/x:1mb)'),
  'device-read-iops': list('Limit of reading, in operations per second (/dev/x:100)'),
  'device-write-bps': list('Limit of writing, in bytes per second (/dev/x:1mb)'),
  'device-write-iops': list('Limit of writing, in operations per second (/dev/x:100)'),
  'disable-content-trust': contentTrustFlag,
  dns: list('Name server of the container'),
  'dns-option': list('Option of the resolver'),
  'dns-search': list('Search domain'),
  domainname: text('NIS domain name'),
  entrypoint: text("Replace the image's entry point"),
  env: list('Set an environment variable (NAME=value, or NAME to pass ours)', 'e'),
  'env-file': list('Read environment variables from a file'),
  expose: list('Document a port'),
  gpus: text('GPUs of a device driver (all, a number, device=0)'),
  'group-add': list('Additional group'),
  'health-cmd': text('Command that tells whether the container is healthy'),
  'health-interval': text('Time between two checks', undefined, 'duration'),
  'health-retries': whole('Failures in a row that make it unhealthy'),
  'health-start-interval': text('Time between checks while it starts', undefined, 'duration'),
  'health-start-period': text('Time to start before failures count', undefined, 'duration'),
  'health-timeout': text('Time a check may take', undefined, 'duration'),
  hostname: text('Host name of the container', 'h'),
  init: Flags.boolean({ summary: 'Run a small init that reaps processes' }),
  interactive: Flags.boolean({ char: 'i', summary: 'Keep standard input open' }),
  ip: text('IPv4 address on the network'),
  ip6: text('IPv6 address on the network'),
  ipc: text('IPC namespace: private, shareable, host, none, container:NAME'),
  isolation: text('Isolation technology: default'),
  'kernel-memory': text('Kernel memory limit: kernels have none any more', undefined, 'bytes'),
  label: list('Set a label (key=value)', 'l'),
  'label-file': list('Read labels from a file'),
  link: list('Make another container known by name (name[:alias])'),
  'link-local-ip': list('Link-local address on the network'),
  'log-driver': text('Log driver'),
  'log-opt': list('Option of the log driver'),
  'mac-address': text('MAC address'),
  memory: text('Memory limit (512m, 1g)', 'm', 'bytes'),
  'memory-reservation': text('Soft memory limit', undefined, 'bytes'),
  'memory-swap': text('Memory plus swap; -1 for no limit', undefined, 'bytes'),
  'memory-swappiness': whole('How willingly its memory is swapped out (0 to 100)'),
  mount: list('Attach a mount (type=bind|volume|tmpfs,source=...,target=...)', undefined, 'mount'),
  name: text('Name of the container'),
  network: list('Network, or host, none, container:NAME; or name=NETWORK,alias=NAME,ip=ADDRESS', undefined, 'network'),
  'network-alias': list('Further name on the network'),
  'no-healthcheck': Flags.boolean({ summary: "Switch the image's health check off" }),
  'oom-kill-disable': Flags.boolean({ summary: 'Do not kill it when memory runs out' }),
  'oom-score-adj': whole('Preference of the out-of-memory killer (-1000 to 1000)'),
  pid: text('PID namespace: host, container:NAME'),
  'pids-limit': whole('Highest number of processes; -1 for no limit'),
  platform: text('Platform of the image (os/arch)'),
  privileged: Flags.boolean({ summary: "Give it the engine's own privileges" }),
  publish: list('Publish a port ([address:]host:container[/protocol])', 'p'),
  'publish-all': Flags.boolean({ char: 'P', summary: 'Publish every exposed port to a free one' }),
  pull: Flags.string({
    summary: 'When to pull the image',
    options: ['always', 'missing', 'never'],
    default: 'missing',
  }),
  quiet: Flags.boolean({ char: 'q', summary: 'No output of the pull' }),
  'read-only': Flags.boolean({ summary: 'Make the root file system read-only' }),
  restart: text('Restart policy: no, on-failure[:n], always, unless-stopped'),
  rm: Flags.boolean({ summary: 'Remove the container when it ends' }),
  runtime: text('OCI runtime'),
  'security-opt': list('Security option (no-new-privileges, seccomp=...)'),
  'shm-size': text('Size of /dev/shm', undefined, 'bytes'),
  'stop-signal': text('Signal that asks it to stop'),
  'stop-timeout': whole('Seconds from the stop signal to SIGKILL'),
  'storage-opt': list('Option of the storage driver'),
  sysctl: list('Kernel parameter of its namespaces (name=value)'),
  tmpfs: list('Mount a tmpfs (path[:options])'),
  tty: Flags.boolean({ char: 't', summary: 'Give it a terminal' }),
  ulimit: list('Limit of a resource (name=soft[:hard])'),
  'use-api-socket': Flags.boolean({ summary: "Give it the engine's API socket and the user's logins" }),
  user: text('User or uid[:group or gid]', 'u'),
  userns: text('User namespace'),
  uts: text('UTS namespace: host'),
  volume: list('Mount a volume or a directory ([source:]target[:options])', 'v'),
  'volume-driver': text('Driver of volumes that are made for it'),
  'volumes-from': list('Mount the volumes of another container'),
  workdir: text('Working directory', 'w'),
} as const;
