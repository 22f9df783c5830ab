import { join, resolve } from 'node:path';
import type { LogConfig } from '../api/types/host-config.ts';
import { parseBytes } from '../common/bytes.ts';
import { IechorError, messageOf } from '../common/error.ts';
import type { LogLevel } from '../common/log.ts';
import { type ContainerDefaults, usualDefaults } from '../engine/defaults.ts';
import { logLimits } from '../engine/logging/log-config.ts';
import { checkLogConfig } from '../engine/logging/log-options.ts';
import type { NetworkDefaults } from '../network/types.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import { type Config, checkConfig, readConfig } from './config-file.ts';
import { parseFlags } from './flags.ts';
import { registryOptions } from './registry-options.ts';

/** How one daemon runs: flags over the configuration file over the defaults. */
export interface DaemonOptions {
  /** `unix:///path`; `tcp://address:port` with `tls`. */
  readonly hosts: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  /** PEM files of the API over TCP: our certificate, and the CA that clients' certificates come from. */
  readonly tls?: TlsOptions;
  readonly pidfile?: string;
  readonly logLevel: LogLevel;
  /** Descriptor that receives one JSON line: ready, or why not. */
  readonly readyFd?: number;
  /** Log driver and options of containers that name none. */
  readonly logDefault: LogConfig;
  /** Directories of CDI specifications; the later one counts. */
  readonly cdiSpecDirs: readonly string[];
  readonly defaultPidsLimit: number;
  readonly defaultRuntime?: string;
  /** What is set of the way to registries. */
  readonly registry: Partial<RegistrySettings>;
  /** The registry of names without a host; else IECHOR_DEFAULT_REGISTRY of the environment, else docker.io. */
  readonly defaultRegistry?: string;
  readonly containers: ContainerDefaults;
  /** Of the engine itself. */
  readonly labels: readonly string[];
  /** Whose members may use the sockets. */
  readonly group?: string;
  readonly networks: NetworkDefaults;
}

export interface TlsOptions {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Parses the command line and reads the configuration file. Throws USAGE and DAEMON_CONFIG. */
export function readOptions(argv: readonly string[]): DaemonOptions | 'help' | 'version' {
  const { config: flags, configFile, readyFd, wants } = parseFlags(argv);
  if (wants) return wants;
  checkConfig(flags, (key) => `the flag of "${key}"`);
  const file = readConfig(configFile);
  const config: Config = { ...file, ...flags, 'log-opts': { ...file['log-opts'], ...flags['log-opts'] } };
  const execRoot = resolve(config['exec-root'] ?? '/run/iechor');
  const hosts = config.hosts ?? [`unix://${join(execRoot, 'iechor.sock')}`];
  const tls = tlsOptions({ ca: config.tlscacert, cert: config.tlscert, key: config.tlskey });
  for (const host of hosts) checkHost(host, tls);
  const { pidfile, group, 'default-runtime': runtime, 'default-registry': defaultRegistry } = config;
  return {
    hosts,
    execRoot,
    dataRoot: resolve(config['data-root'] ?? '/var/lib/iechor'),
    logLevel: levelOf(config['log-level'] ?? (config.debug ? 'debug' : 'info')),
    logDefault: logDefault(config['log-driver'], config['log-opts'] ?? {}),
    cdiSpecDirs: config['cdi-spec-dirs'] ?? ['/etc/cdi', '/var/run/cdi'],
    defaultPidsLimit: config['default-pids-limit'] ?? 4096,
    containers: containerDefaults(config),
    labels: config.labels ?? [],
    networks: networkDefaults(config),
    ...(tls && { tls }),
    ...(group && { group }),
    ...(pidfile && { pidfile: resolve(pidfile) }),
    ...(readyFd !== undefined && { readyFd: descriptor(readyFd) }),
    ...(runtime && { defaultRuntime: runtime }),
    registry: registryOptions(config),
    ...(defaultRegistry && { defaultRegistry }),
  };
}

function containerDefaults(config: Config): ContainerDefaults {
  const size = config['default-shm-size'] ?? usualDefaults.shmSizeBytes;
  const ulimits = Object.entries(config['default-ulimits'] ?? {});
  return {
    dns: config.dns ?? [],
    dnsOptions: config['dns-opts'] ?? [],
    dnsSearch: config['dns-search'] ?? [],
    shmSizeBytes: typeof size === 'number' ? size : (parseBytes(size) ?? usualDefaults.shmSizeBytes),
    ulimits: ulimits.map(([name, { Soft, Hard }]) => ({ Name: name, Soft, Hard })),
    init: config.init ?? false,
    noNewPrivileges: config['no-new-privileges'] ?? false,
    cgroupParent: config['cgroup-parent'] ?? '',
  };
}

function networkDefaults(config: Config): NetworkDefaults {
  const named = { 'bridge.enable_icc': config.icc, 'bridge.host_binding_ipv4': config.ip, 'driver.mtu': config.mtu };
  const bridge = Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [[`com.docker.network.${name}`, String(value)]],
  );
  const { bip, 'default-address-pools': pools, 'default-network-opts': options } = config;
  return {
    bridge: Object.fromEntries(bridge),
    options: options?.bridge ?? {},
    ...(bip && { address: bip }),
    ...(pools && { pools }),
  };
}

function checkHost(host: string, tls: TlsOptions | undefined): void {
  if (/^unix:\/\/\/./.test(host)) return;
  const url = URL.parse(host);
  if (url?.protocol !== 'tcp:' || url.hostname === '' || url.port === '') {
    throw new IechorError('DAEMON_CONFIG', `cannot listen on "${host}"`, {
      hint: 'give unix:///path/to/engine.sock, or tcp://ADDRESS:PORT with TLS',
    });
  }
  if (tls) return;
  throw new IechorError('DAEMON_CONFIG', `"${host}" is not served without TLS: whoever reaches it would be root here`, {
    hint: "give --tlscacert (of the clients' certificates), --tlscert and --tlskey",
  });
}

function tlsOptions(given: { readonly [K in keyof TlsOptions]: string | undefined }): TlsOptions | undefined {
  const { ca, cert, key } = given;
  if (!ca && !cert && !key) return undefined;
  if (ca && cert && key) return { ca, cert, key };
  throw new IechorError('DAEMON_CONFIG', '--tlscacert, --tlscert and --tlskey are given together or not at all', {
    hint: 'without a CA anyone could use the engine; without certificate and key nobody',
  });
}

function levelOf(text: string): LogLevel {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  throw new IechorError('DAEMON_CONFIG', `there is no log level "${text}"`, { hint: 'use debug, info, warn or error' });
}

function descriptor(text: string): number {
  const fd = Number(text);
  if (Number.isInteger(fd) && fd >= 1 && fd < 1024) return fd;
  throw new IechorError('USAGE', `--ready-fd takes the number of a descriptor, not "${text}"`);
}

/** Throws DAEMON_CONFIG for what no container could be made with. */
function logDefault(driver: string | undefined, options: Readonly<Record<string, string>>): LogConfig {
  const config: LogConfig = { Type: driver ?? 'json-file', Config: { ...options } };
  try {
    checkLogConfig({ LogConfig: config });
    logLimits({ LogConfig: config });
    return config;
  } catch (error) {
    throw new IechorError('DAEMON_CONFIG', `log-driver and log-opts: ${messageOf(error)}`, { cause: error });
  }
}
