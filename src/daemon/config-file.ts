import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { parseBytes } from '../common/bytes.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { neverHere, onlySo, type Settled } from './config-settled.ts';
import { type RegistryConfig, registryChecks } from './registry-options.ts';

export const defaultConfigFile = '/etc/iechor/iechord.json';

/** The keys of the configuration file: dockerd's names and meanings, but for `default-pids-limit`, which is ours. */
export interface Config extends RegistryConfig, Settled {
  hosts?: string[];
  'data-root'?: string;
  'exec-root'?: string;
  tlsverify?: boolean;
  tlscacert?: string;
  tlscert?: string;
  tlskey?: string;
  group?: string;
  pidfile?: string;
  'log-level'?: string;
  debug?: boolean;
  labels?: string[];
  'cdi-spec-dirs'?: string[];
  'log-driver'?: string;
  'log-opts'?: Record<string, string>;
  'default-runtime'?: string;
  'default-pids-limit'?: number;
  'default-shm-size'?: string | number;
  'default-ulimits'?: Record<string, { Name?: string; Soft: number; Hard: number }>;
  init?: boolean;
  'no-new-privileges'?: boolean;
  'cgroup-parent'?: string;
  dns?: string[];
  'dns-opts'?: string[];
  'dns-search'?: string[];
  bip?: string;
  icc?: boolean;
  ip?: string;
  mtu?: number;
  'default-address-pools'?: { base: string; size: number }[];
  'default-network-opts'?: Record<string, Record<string, string>>;
}

type Check = readonly [what: string, fits: (value: unknown) => boolean];

const isText = (value: unknown): value is string => typeof value === 'string';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText);
const isTextMap = (value: unknown) => isObject(value) && Object.values(value).every(isText);
const isWhole = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);
const isCount = (value: unknown) => isWhole(value) && value > 0;

const path: Check = ['a path', isText];
const truth: Check = ['true or false', (value) => typeof value === 'boolean'];
const checks: { readonly [K in keyof Config]-?: Check } = {
  hosts: ['a list of addresses', (value) => isTexts(value) && (value as unknown[]).length > 0],
  'data-root': path,
  'exec-root': path,
  tlsverify: ['true: clients without a certificate are never served', (value) => value === true],
  tlscacert: path,
  tlscert: path,
  tlskey: path,
  group: ['the name of a group', isText],
  pidfile: path,
  'log-level': ['a text', isText],
  debug: truth,
  labels: [
    'a list of NAME=VALUE',
    (value) => isTexts(value) && (value as string[]).every((one) => /^[^=]+=/.test(one)),
  ],
  'cdi-spec-dirs': ['a list of paths', isTexts],
  'log-driver': ['a text', isText],
  'log-opts': ['an object of texts', isTextMap],
  'default-runtime': ['crun or runc', (value) => value === 'crun' || value === 'runc'],
  'default-pids-limit': ['a number', (value) => isCount(value) || value === -1],
  'default-shm-size': ['a size such as 128m', (value) => isCount(isText(value) ? parseBytes(value) : value)],
  'default-ulimits': [
    'limits by name: {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}}',
    (value) =>
      isObject(value) && Object.values(value).every((one) => isObject(one) && isWhole(one.Soft) && isWhole(one.Hard)),
  ],
  init: truth,
  'no-new-privileges': truth,
  'cgroup-parent': ['the path of a cgroup', (value) => isText(value) && !value.split('/').includes('..')],
  dns: ['a list of addresses', (value) => isTexts(value) && (value as string[]).every((one) => isIP(one) !== 0)],
  'dns-opts': ['a list of texts', isTexts],
  'dns-search': ['a list of domains', isTexts],
  bip: ['an address of IPv4 with its network, such as 10.1.0.1/24', (value) => isText(value) && isInterface(value)],
  icc: truth,
  ip: ['an address', (value) => isText(value) && isIP(value) !== 0],
  mtu: ['a number', (value) => isWhole(value) && value >= 0],
  'default-address-pools': [
    'a list of {"base": "10.0.0.0/8", "size": 24}',
    (value) => Array.isArray(value) && value.every((one) => isObject(one) && isText(one.base) && isCount(one.size)),
  ],
  'default-network-opts': [
    'options by driver: {"bridge": {"com.docker.network.driver.mtu": "1400"}}',
    (value) => isObject(value) && Object.entries(value).every(([driver, of]) => driver === 'bridge' && isTextMap(of)),
  ],
  ...registryChecks,
  ...onlySo,
};

function isInterface(text: string): boolean {
  const [address = '', prefix = ''] = text.split('/');
  return isIP(address) === 4 && /^[0-9]{1,2}$/.test(prefix) && Number(prefix) >= 8 && Number(prefix) <= 30;
}

/** Reads a configuration file; without a path, the default one where it is there. Throws DAEMON_CONFIG. */
export function readConfig(path: string | undefined): Config {
  const file = path ?? defaultConfigFile;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' && path === undefined) return {};
    throw new IechorError('DAEMON_CONFIG', `${file}: ${messageOf(cause)}`, { cause });
  }
  if (!isObject(parsed)) throw new IechorError('DAEMON_CONFIG', `${file}: the configuration is not a JSON object`);
  return checkConfig(parsed, (key) => `${file}: "${key}"`);
}

/** Throws DAEMON_CONFIG for a key that is not known or has no such value, by the name that `called` gives it. */
export function checkConfig(given: object, called: (key: string) => string): Config {
  for (const [key, value] of Object.entries(given)) {
    const check = Object.hasOwn(checks, key) ? checks[key as keyof Config] : undefined;
    if (check?.[1](value)) continue;
    if (check) throw new IechorError('DAEMON_CONFIG', `${called(key)} has to be ${check[0]}`);
    const why = Object.hasOwn(neverHere, key) ? neverHere[key] : undefined;
    if (why) throw new IechorError('DAEMON_CONFIG', `${called(key)} is not supported`, { hint: why });
    const hint = `known keys: ${Object.keys(checks).join(', ')}`;
    throw new IechorError('DAEMON_CONFIG', `${called(key)} is an unknown key`, { hint });
  }
  return given as Config;
}
