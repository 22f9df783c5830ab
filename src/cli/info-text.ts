import type { InfoReply } from '../api/types/system.ts';
import { binaryBytes } from '../common/bytes.ts';

/** The program that asks. */
export interface InfoClient {
  readonly version: string;
  readonly context: string;
  readonly debug: boolean;
}

/** What an engine says of itself, ours or Docker's, in Docker's lines; what it does not say has none. */
export function infoText(client: InfoClient, info: InfoReply): string {
  return [...clientLines(client), '', 'Server:', ...serverLines(info)].join('\n');
}

/** The program alone, where no engine answers. */
export function clientLines({ version, context, debug }: InfoClient): string[] {
  return ['Client:', ` Version:    ${version}`, ` Context:    ${context}`, ` Debug Mode: ${debug}`];
}

function serverLines(info: InfoReply): string[] {
  return [
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ...line('Server Version', info.ServerVersion),
    ...line('Storage Driver', info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...line('Logging Driver', info.LoggingDriver),
    ...line('Cgroup Driver', info.CgroupDriver),
    ...line('Cgroup Version', info.CgroupVersion),
    ...pluginLines(info),
    ...list('CDI spec directories', info.CDISpecDirs),
    ` Swarm: ${info.Swarm?.LocalNodeState ?? 'inactive'}`,
    ...runtimeLines(info),
    ...securityLines(info.SecurityOptions ?? []),
    ...machineLines(info),
    ...settingLines(info),
  ];
}

function pluginLines({ Plugins }: InfoReply): string[] {
  const { Volume, Network, Authorization, Log } = Plugins;
  return [
    ' Plugins:',
    `  Volume: ${(Volume ?? []).join(' ')}`,
    `  Network: ${(Network ?? []).join(' ')}`,
    ...(Authorization?.length ? [`  Authorization: ${Authorization.join(' ')}`] : []),
    `  Log: ${(Log ?? []).join(' ')}`,
  ];
}

function runtimeLines(info: InfoReply): string[] {
  return [
    ` Runtimes: ${Object.keys(info.Runtimes ?? {}).join(' ')}`,
    ` Default Runtime: ${info.DefaultRuntime}`,
    ...line('Init Binary', info.InitBinary),
    ...line('containerd version', info.ContainerdCommit?.ID),
    ...line('runc version', info.RuncCommit?.ID),
    ...line('init version', info.InitCommit?.ID),
  ];
}

/** Options come as `name=seccomp,profile=builtin`. */
function securityLines(options: readonly string[]): string[] {
  const told = options.flatMap((option) => {
    const fields = option.split(',').map((field) => field.split('='));
    const of = (key: string) => fields.find(([name]) => name === key)?.[1];
    const profile = of('profile');
    return [`  ${of('name') ?? option}`, ...(profile ? [`   Profile: ${profile}`] : [])];
  });
  return told.length > 0 ? [' Security Options:', ...told] : [];
}

function machineLines(info: InfoReply): string[] {
  return [
    ...line('Kernel Version', info.KernelVersion),
    ...line('Operating System', info.OperatingSystem),
    ...line('OSType', info.OSType),
    ...line('Architecture', info.Architecture),
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binaryBytes(info.MemTotal)}`,
    ...line('Name', info.Name),
    ...line('ID', info.ID),
    ` Docker Root Dir: ${info.DockerRootDir}`,
    ` Debug Mode: ${info.Debug ?? false}`,
  ];
}

function settingLines(info: InfoReply): string[] {
  const { IndexConfigs = {}, InsecureRegistryCIDRs = [], Mirrors = [] } = info.RegistryConfig ?? {};
  const hosts = Object.entries(IndexConfigs).flatMap(([name, index]) =>
    'Secure' in index && !index.Secure ? name : [],
  );
  return [
    ...line('HTTP Proxy', info.HttpProxy),
    ...line('HTTPS Proxy', info.HttpsProxy),
    ...line('No Proxy', info.NoProxy),
    ...list('Labels', info.Labels),
    ` Experimental: ${info.ExperimentalBuild ?? false}`,
    ...list('Insecure Registries', [...hosts, ...(InsecureRegistryCIDRs ?? [])]),
    ...list('Registry Mirrors', Mirrors),
    ` Live Restore Enabled: ${info.LiveRestoreEnabled ?? false}`,
  ];
}

const line = (name: string, value: string | undefined): string[] => (value ? [` ${name}: ${value}`] : []);

const list = (name: string, values: readonly string[] | null | undefined): string[] =>
  values?.length ? [` ${name}:`, ...values.map((value) => `  ${value}`)] : [];
