import { isIP } from 'node:net';
import { IechorError } from '../common/error.ts';

/**
 * How a network's containers are reached from elsewhere: `nat`, at published ports of the host; `nat-unprotected`, at
 * their own addresses, too, all ports; `routed`, at their own addresses, published ports; `isolated`, not by the host either.
 */
export type GatewayMode = (typeof gatewayModes)[number];
const gatewayModes = ['nat', 'routed', 'nat-unprotected', 'isolated'] as const;

/** What the driver options of a bridge network say. */
export interface BridgeOptions {
  readonly mtu?: number;
  readonly device?: string;
  readonly communication: boolean;
  readonly masquerade: boolean;
  /** Published ports without an address are bound here; empty: everywhere. */
  readonly bindAddress: string;
  /** Links inside the containers are named by it: eth0, eth1... */
  readonly linkPrefix: string;
  /** Absent: nat. */
  readonly modes: Readonly<Partial<Record<4 | 6, GatewayMode>>>;
  /** With which address containers leave; absent: that of the way. */
  readonly sources: Readonly<Partial<Record<4 | 6, string>>>;
  /** Devices from which published ports are reached at the containers' own addresses, too. */
  readonly trusted: readonly string[];
  /** The bridge has no address of these families: the host is not in the network. */
  readonly withoutHost: readonly (4 | 6)[];
}

const prefix = 'com.docker.network.';
type Reader = (value: string, key: string, before: BridgeOptions) => Partial<BridgeOptions>;
const known: Readonly<Record<string, Reader>> = {
  'driver.mtu': (value, key) => mtu(value, key),
  'bridge.name': (value, key) => ({ device: device(value, key) }),
  'bridge.enable_icc': (value, key) => ({ communication: flag(value, key) }),
  'bridge.enable_ip_masquerade': (value, key) => ({ masquerade: flag(value, key) }),
  container_iface_prefix: (value, key) => ({ linkPrefix: linkPrefix(value, key) }),
  'bridge.gateway_mode_ipv4': (value, key, before) => gatewayMode(gatewayModeOf(value, key), 4, before),
  'bridge.gateway_mode_ipv6': (value, key, before) => gatewayMode(gatewayModeOf(value, key), 6, before),
  'bridge.inhibit_ipv4': (value, key, { withoutHost }) =>
    flag(value, key) ? { withoutHost: [...withoutHost, 4] } : {},
  'bridge.host_binding_ipv4': (value, key) => ({ bindAddress: address(value, key) }),
  'bridge.trusted_host_interfaces': (value, key) => ({ trusted: devices(value, key) }),
  // Read with the fields of the request that say the same.
  enable_ipv4: () => ({}),
  enable_ipv6: () => ({}),
  host_ipv4: (value, key, { sources }) => ({ sources: { ...sources, 4: source(value, key, 4) } }),
  host_ipv6: (value, key, { sources }) => ({ sources: { ...sources, 6: source(value, key, 6) } }),
};

/** Reads driver options under Docker's names; others are the user's own notes. Throws BAD_REQUEST for a value. */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  let result: BridgeOptions = {
    communication: true,
    masquerade: true,
    bindAddress: '',
    linkPrefix: 'eth',
    modes: {},
    sources: {},
    trusted: [],
    withoutHost: [],
  };
  for (const [key, value] of Object.entries(options)) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
    if (Object.hasOwn(known, name)) result = { ...result, ...known[name]?.(value, key, result) };
  }
  return result;
}

/** Options of a bridge network that have no effect: kept for whoever wrote them, or misspelt. */
export function idleBridgeOptions(options: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(options).filter(
    (key) => !key.startsWith(prefix) || !Object.hasOwn(known, key.slice(prefix.length)),
  );
}

/** Throws BAD_REQUEST for a network that cannot be as its options say. */
export function checkBridgeOptions(network: {
  readonly internal: boolean;
  readonly options: Readonly<Record<string, string>>;
}): void {
  const { modes } = bridgeOptions(network.options);
  if ((modes[4] !== 'isolated' && modes[6] !== 'isolated') || network.internal) return;
  throw new IechorError('BAD_REQUEST', "gateway mode 'isolated' can only be used for an internal network");
}

function gatewayModeOf(value: string, key: string): GatewayMode {
  const mode = gatewayModes.find((one) => one === value);
  if (mode) return mode;
  throw new IechorError('BAD_REQUEST', `failed to parse ${key} value: ${value} (unknown gateway mode ${value})`, {
    hint: `the gateway modes are ${gatewayModes.join(', ')}`,
  });
}

function gatewayMode(mode: GatewayMode, family: 4 | 6, before: BridgeOptions): Partial<BridgeOptions> {
  const withoutHost = mode === 'isolated' ? [...before.withoutHost, family] : before.withoutHost;
  return { modes: { ...before.modes, [family]: mode }, withoutHost };
}

function devices(value: string, key: string): readonly string[] {
  return value
    .split(':')
    .filter((name) => name !== '')
    .map((name) => device(name, key));
}

function source(value: string, key: string, family: 4 | 6): string {
  if (isIP(value) === family) return value;
  throw invalid(key, value, `an address of IPv${family}`);
}

/** 0: as without it. */
function mtu(value: string, key: string): Partial<BridgeOptions> {
  return value === '0' ? {} : { mtu: number(value, key) };
}

function linkPrefix(value: string, key: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.-]{0,11}$/.test(value)) return value;
  throw invalid(key, value, 'at most 12 letters and digits, the first a letter');
}

function number(value: string, key: string): number {
  const result = Number(value);
  if (Number.isInteger(result) && result >= 68 && result <= 65535) return result;
  throw invalid(key, value, 'a number from 68 to 65535');
}

function flag(value: string, key: string): boolean {
  if (['true', 't', '1'].includes(value.toLowerCase())) return true;
  if (['false', 'f', '0'].includes(value.toLowerCase())) return false;
  throw invalid(key, value, 'true or false');
}

function device(value: string, key: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(value)) return value;
  throw invalid(key, value, 'a device name of at most 15 letters and digits');
}

function address(value: string, key: string): string {
  if (isIP(value) !== 0) return value === '0.0.0.0' ? '' : value;
  throw invalid(key, value, 'an address');
}

function invalid(key: string, value: string, wanted: string): IechorError {
  return new IechorError('BAD_REQUEST', `failed to parse ${key} value: ${value} (must be ${wanted})`);
}
