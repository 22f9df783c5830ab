import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { LogConfig } from '../api/types/host-config.ts';
import type { LogLevel } from '../common/log.ts';
import { logLimits } from '../engine/logging/log-config.ts';
import { checkLogConfig } from '../engine/logging/log-options.ts';
import type { RegistrySettings } from '../registry/settings.ts';
import { type RegistryConfig, registryChecks, registryOptions } from './registry-options.ts';

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
  readonly defaultPools?: readonly { readonly base: string; readonly size: number }[];
}

export interface TlsOptions {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const defaultConfigFile = '/etc/iechor/iechord.json';

export const usage = `Usage: iechord [OPTIONS]

The engine behind the iechor command, which starts it when it is needed.

  -H, --host ADDRESS       listen here, repeatable (unix:///run/iechor/iechor.sock); tcp://ADDRESS:PORT with TLS
      --tlsverify          clients must have a certificate of the CA; over TCP there is no other way
      --tlscacert FILE     CA of the clients' certificates
      --tlscert FILE       certificate of the engine
      --tlskey FILE        its key
      --data-root DIR      images, volumes and state (/var/lib/iechor)
      --exec-root DIR      what does not survive a boot (/run/iechor)
      --config-file FILE   JSON with dockerd's key names (${defaultConfigFile}, where it exists)
      --pidfile FILE       write the process id here
      --log-level LEVEL    debug, info, warn or error (info)
      --cdi-spec-dir DIR   directory of device specifications, repeatable (/etc/cdi and /var/run/cdi)
      --log-driver NAME    log driver of containers that name none (json-file)
      --log-opt NAME=VALUE log options of these, repeatable
      --ready-fd FD        write a JSON line here when ready, or why it cannot start
  -h, --help               show this
      --version            show the version
`;

const flags = {
  host: { type: 'string', short: 'H', multiple: true },
  'data-root': { type: 'string' },
  tlsverify: { type: 'boolean' },
  tlscacert: { type: 'string' },
  tlscert: { type: 'string' },
  tlskey: { type: 'string' },
  'exec-root': { type: 'string' },
  'config-file': { type: 'string' },
  pidfile: { type: 'string' },
  'log-level': { type: 'string' },
  'cdi-spec-dir': { type: 'string', multiple: true },
  'log-driver': { type: 'string' },
  'log-opt': { type: 'string', multiple: true },
  'ready-fd': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** Parses the command line and reads the configuration file. Throws USAGE and DAEMON_CONFIG. */
export function readOptions(argv: readonly string[]): DaemonOptions | 'help' | 'version' {
  const given = parseFlags(argv);
  if (given.help) return 'help';
  if (given.version) return 'version';
  const config = readConfig(given['config-file']);
  const execRoot = resolve(given['exec-root'] ?? config['exec-root'] ?? '/run/iechor');
  const hosts = given.host ?? config.hosts ?? [`unix://${join(execRoot, 'iechor.sock')}`];
  const tls = tlsOptions({
    ca: given.tlscacert ?? config.tlscacert,
    cert: given.tlscert ?? config.tlscert,
    key: given.tlskey ?? config.tlskey,
  });
  for (const host of hosts) checkHost(host, tls);
  const pidfile = given.pidfile ?? config.pidfile;
  const readyFd = given['ready-fd'];
  const pools = config['default-address-pools'];
  const runtime = config['default-runtime'];
  const defaultRegistry = config['default-registry'];
  return {
    hosts,
    execRoot,
    dataRoot: resolve(given['data-root'] ?? config['data-root'] ?? '/var/lib/iechor'),
    logLevel: levelOf(given['log-level'] ?? config['log-level'] ?? (config.debug ? 'debug' : 'info')),
    logDefault: logDefault(given['log-driver'] ?? config['log-driver'], {
      ...config['log-opts'],
      ...pairsOf(given['log-opt'] ?? []),
    }),
    cdiSpecDirs: given['cdi-spec-dir'] ?? config['cdi-spec-dirs'] ?? ['/etc/cdi', '/var/run/cdi'],
    defaultPidsLimit: config['default-pids-limit'] ?? 4096,
    ...(tls && { tls }),
    ...(pidfile && { pidfile: resolve(pidfile) }),
    ...(readyFd !== undefined && { readyFd: descriptor(readyFd) }),
    ...(runtime && { defaultRuntime: runtime }),
    registry: registryOptions(config),
    ...(defaultRegistry && { defaultRegistry }),
    ...(pools && { defaultPools: pools }),
  };
}

function parseFlags(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false }).values;
  } catch (cause) {
    throw new IechorError('USAGE', messageOf(cause), { hint: 'iechord --help lists the options', cause });
  }
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

/** The keys of the configuration file: dockerd's names and meanings, but for `default-pids-limit`, which is ours. */
interface Config extends RegistryConfig {
  hosts?: string[];
  'data-root'?: string;
  'exec-root'?: string;
  tlsverify?: boolean;
  tlscacert?: string;
  tlscert?: string;
  tlskey?: string;
  pidfile?: string;
  'log-level'?: string;
  debug?: boolean;
  'cdi-spec-dirs'?: string[];
  'log-driver'?: string;
  'log-opts'?: Record<string, string>;
  'default-runtime'?: string;
  'default-address-pools'?: { base: string; size: number }[];
  'default-pids-limit'?: number;
}

const isText = (value: unknown) => typeof value === 'string';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const checks: { readonly [K in keyof Config]-?: readonly [what: string, fits: (value: unknown) => boolean] } = {
  hosts: ['a list of addresses', (value) => Array.isArray(value) && value.length > 0 && value.every(isText)],
  'data-root': ['a path', isText],
  'exec-root': ['a path', isText],
  tlsverify: ['true: clients without a certificate are never served', (value) => value === true],
  tlscacert: ['a path', isText],
  tlscert: ['a path', isText],
  tlskey: ['a path', isText],
  pidfile: ['a path', isText],
  'log-level': ['a text', isText],
  debug: ['true or false', (value) => typeof value === 'boolean'],
  'cdi-spec-dirs': ['a list of paths', (value) => Array.isArray(value) && value.every(isText)],
  'log-driver': ['a text', isText],
  'log-opts': ['an object of texts', (value) => isObject(value) && Object.values(value).every(isText)],
  'default-runtime': ['crun or runc', (value) => value === 'crun' || value === 'runc'],
  'default-address-pools': [
    'a list of {"base": "10.0.0.0/8", "size": 24}',
    (value) => Array.isArray(value) && value.every((one) => isObject(one) && isText(one.base) && isCount(one.size)),
  ],
  ...registryChecks,
  'default-pids-limit': ['a number', (value) => isCount(value) || value === -1],
};

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function readConfig(path: string | undefined): Config {
  const file = path ?? defaultConfigFile;
  const fail = (message: string, hint?: string, cause?: unknown) =>
    new IechorError('DAEMON_CONFIG', `${file}: ${message}`, { hint, cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && path === undefined) return {};
    throw fail(messageOf(error), undefined, error);
  }
  if (!isObject(parsed)) throw fail('the configuration is not a JSON object');
  for (const [key, value] of Object.entries(parsed)) {
    const check = Object.hasOwn(checks, key) ? checks[key as keyof Config] : undefined;
    if (!check) throw fail(`unknown key "${key}"`, `known keys: ${Object.keys(checks).join(', ')}`);
    if (!check[1](value)) throw fail(`"${key}" is ${check[0]}`);
  }
  return parsed as Config;
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

/** `NAME=VALUE` of flags. */
function pairsOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined) throw new IechorError('USAGE', `--log-opt takes NAME=VALUE, not "${text}"`);
      return [name, value];
    }),
  );
}
