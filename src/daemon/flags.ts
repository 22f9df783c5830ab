import { parseArgs } from 'node:util';
import { IechorError, messageOf } from '../common/error.ts';
import { type Config, defaultConfigFile } from './config-file.ts';
import { neverHere } from './config-settled.ts';

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
  -G, --group NAME         its members may use the sockets (iechor, where it exists)
      --log-level LEVEL    debug, info, warn or error (info)
  -D, --debug              as --log-level debug
      --label NAME=VALUE   label of the engine, repeatable
      --cdi-spec-dir DIR   directory of device specifications, repeatable (/etc/cdi and /var/run/cdi)
      --log-driver NAME    log driver of containers that name none (json-file)
      --log-opt NAME=VALUE log options of these, repeatable
      --dns ADDRESS, --dns-search DOMAIN, --dns-opt OPTION
                           for containers that name none, repeatable
      --default-shm-size SIZE, --default-ulimit NAME=SOFT[:HARD], --init, --no-new-privileges, --cgroup-parent PATH
                           for containers that say nothing of these
      --bip ADDRESS/LENGTH, --icc=false, --ip ADDRESS, --mtu NUMBER
                           of the built-in network: its gateway, whether containers reach each other, where ports
                           are published, size of packets
      --default-network-opt bridge=NAME=VALUE
                           option of networks that are made, repeatable
      --default-address-pool base=NETWORK,size=LENGTH
                           what subnets are chosen from, repeatable
      --registry-mirror URL, --insecure-registry HOST, --max-concurrent-downloads NUMBER,
      --max-concurrent-uploads NUMBER, --max-download-attempts NUMBER
                           the way to registries
      --ready-fd FD        write a JSON line here when ready, or why it cannot start
  -h, --help               show this
      --version            show the version

SIGHUP makes it read the file again: log level, labels, registries and what new containers get.
`;

/** What the command line says: keys of the configuration file, and what belongs to this start alone. */
export interface Flags {
  readonly config: Config;
  readonly configFile?: string | undefined;
  readonly readyFd?: string | undefined;
  readonly wants?: 'help' | 'version' | undefined;
}

type Reader = (texts: readonly string[], flag: string) => unknown;
interface Flag {
  readonly key: keyof Config;
  readonly read: Reader;
  readonly short?: string;
}

const last: Reader = (texts) => texts.at(-1);
const all: Reader = (texts) => texts;
const count: Reader = (texts) => Number(texts.at(-1));
const pairs: Reader = (texts, flag) => Object.fromEntries(texts.map((text) => pairOf(text, flag)));
const truth: Reader = (texts, flag) => {
  const text = texts.at(-1)?.toLowerCase() ?? '';
  if (['true', '1', 't'].includes(text)) return true;
  if (['false', '0', 'f'].includes(text)) return false;
  throw usageError(`--${flag} is true or false, not "${text}"`);
};
const ulimits: Reader = (texts, flag) =>
  Object.fromEntries(
    texts.map((text) => {
      const [Name, range] = pairOf(text, flag);
      const [soft = '', hard = soft] = range.split(':');
      return [Name, { Name, Soft: Number(soft), Hard: Number(hard) }];
    }),
  );
const pools: Reader = (texts, flag) =>
  texts.map((text) => {
    const { base, size } = Object.fromEntries(text.split(',').map((part) => pairOf(part, flag)));
    return { base, size: Number(size) };
  });
const networkOptions: Reader = (texts, flag) => {
  const found: Record<string, Record<string, string>> = {};
  for (const text of texts) {
    const [driver, option] = pairOf(text, flag);
    const [name, value] = pairOf(option, flag);
    found[driver] = { ...found[driver], [name]: value };
  }
  return found;
};

/** Flags under dockerd's names, and the key of the configuration file that says the same. */
const flags: Readonly<Record<string, Flag>> = {
  host: { key: 'hosts', read: all, short: 'H' },
  'data-root': { key: 'data-root', read: last },
  'exec-root': { key: 'exec-root', read: last },
  tls: { key: 'tls', read: truth },
  tlsverify: { key: 'tlsverify', read: truth },
  tlscacert: { key: 'tlscacert', read: last },
  tlscert: { key: 'tlscert', read: last },
  tlskey: { key: 'tlskey', read: last },
  group: { key: 'group', read: last, short: 'G' },
  pidfile: { key: 'pidfile', read: last, short: 'p' },
  debug: { key: 'debug', read: truth, short: 'D' },
  'log-level': { key: 'log-level', read: last, short: 'l' },
  label: { key: 'labels', read: all },
  'cdi-spec-dir': { key: 'cdi-spec-dirs', read: all },
  'log-driver': { key: 'log-driver', read: last },
  'log-opt': { key: 'log-opts', read: pairs },
  'default-runtime': { key: 'default-runtime', read: last },
  'default-shm-size': { key: 'default-shm-size', read: last },
  'default-ulimit': { key: 'default-ulimits', read: ulimits },
  init: { key: 'init', read: truth },
  'no-new-privileges': { key: 'no-new-privileges', read: truth },
  'cgroup-parent': { key: 'cgroup-parent', read: last },
  dns: { key: 'dns', read: all },
  'dns-opt': { key: 'dns-opts', read: all },
  'dns-search': { key: 'dns-search', read: all },
  bip: { key: 'bip', read: last },
  icc: { key: 'icc', read: truth },
  ip: { key: 'ip', read: last },
  mtu: { key: 'mtu', read: count },
  'default-address-pool': { key: 'default-address-pools', read: pools },
  'default-network-opt': { key: 'default-network-opts', read: networkOptions },
  'registry-mirror': { key: 'registry-mirrors', read: all },
  'insecure-registry': { key: 'insecure-registries', read: all },
  'max-concurrent-downloads': { key: 'max-concurrent-downloads', read: count },
  'max-concurrent-uploads': { key: 'max-concurrent-uploads', read: count },
  'max-download-attempts': { key: 'max-download-attempts', read: count },
  'live-restore': { key: 'live-restore', read: truth },
  'storage-driver': { key: 'storage-driver', read: last, short: 's' },
  'exec-opt': { key: 'exec-opts', read: all },
  iptables: { key: 'iptables', read: truth },
  ip6tables: { key: 'ip6tables', read: truth },
  'ip-forward': { key: 'ip-forward', read: truth },
  'ip-masq': { key: 'ip-masq', read: truth },
  'userland-proxy': { key: 'userland-proxy', read: truth },
};

/** Of these, no value means yes, as with Docker's. */
const switches = new Set([...Object.keys(flags).filter((name) => flags[name]?.read === truth), 'help', 'version']);
const shortSwitches: Readonly<Record<string, string>> = { '-D': '--debug', '-h': '--help' };

/** Reads the command line. Throws USAGE for what is no flag or has no such value. */
export function parseFlags(argv: readonly string[]): Flags {
  const values = valuesOf(argv.map(withValue));
  const config: Partial<Record<keyof Config, unknown>> = {};
  for (const [name, { key, read }] of Object.entries(flags)) {
    const texts = values[name];
    if (texts !== undefined) config[key] = read(texts, name);
  }
  const wants = values.help ? 'help' : values.version ? 'version' : undefined;
  return {
    // Checked as the file is.
    config: config as Config,
    ...{ configFile: values['config-file']?.at(-1), readyFd: values['ready-fd']?.at(-1), wants },
  };
}

function withValue(argument: string): string {
  const long = shortSwitches[argument] ?? argument;
  return switches.has(long.replace(/^--/, '')) && long.startsWith('--') ? `${long}=true` : long;
}

function valuesOf(args: readonly string[]): Readonly<Record<string, string[] | undefined>> {
  const names = [...Object.keys(flags), 'config-file', 'ready-fd', 'help', 'version'];
  const options = Object.fromEntries(
    names.map((name) => {
      const short = flags[name]?.short;
      return [name, { type: 'string' as const, multiple: true as const, ...(short && { short }) }];
    }),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    return values as Readonly<Record<string, string[] | undefined>>;
  } catch (cause) {
    const [, name = ''] = /'--([a-z0-9-]+)/.exec(messageOf(cause)) ?? [];
    throw usageError(messageOf(cause), cause, Object.hasOwn(neverHere, name) ? neverHere[name] : undefined);
  }
}

function pairOf(text: string, flag: string): [name: string, value: string] {
  const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw usageError(`--${flag} takes NAME=VALUE, not "${text}"`);
  return [name, value];
}

const usageError = (message: string, cause?: unknown, hint = 'iechord --help lists the options') =>
  new IechorError('USAGE', message, { hint, cause });
