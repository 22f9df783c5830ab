import { isIP } from 'node:net';
import { IechorError } from '../common/error.ts';

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
  /** The bridge has no address of these families: the host is not in the network. */
  readonly withoutHost: readonly (4 | 6)[];
}

const prefix = 'com.docker.network.';
type Reader = (value: string, key: string) => Partial<BridgeOptions>;
const known: Readonly<Record<string, Reader>> = {
  'driver.mtu': (value, key) => ({ mtu: number(value, key) }),
  'bridge.name': (value, key) => ({ device: device(value, key) }),
  'bridge.enable_icc': (value, key) => ({ communication: flag(value, key) }),
  'bridge.enable_ip_masquerade': (value, key) => ({ masquerade: flag(value, key) }),
  container_iface_prefix: (value, key) => ({ linkPrefix: linkPrefix(value, key) }),
  'bridge.gateway_mode_ipv4': (value, key) => gatewayMode(value, key, 4),
  'bridge.gateway_mode_ipv6': (value, key) => gatewayMode(value, key, 6),
  'bridge.inhibit_ipv4': (value, key) => (flag(value, key) ? { withoutHost: [4] } : {}),
  'bridge.host_binding_ipv4': (value, key) => ({ bindAddress: address(value, key) }),
};

/** Docker's options that would open a network further than it is here. */
const refused: ReadonlySet<string> = new Set(['bridge.trusted_host_interfaces']);

/**
 * Reads driver options under Docker's names; others are the user's own notes. Throws BAD_REQUEST for a value,
 * NOT_SUPPORTED for an option that is known to have no effect here.
 */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  let result: BridgeOptions = {
    communication: true,
    masquerade: true,
    bindAddress: '',
    linkPrefix: 'eth',
    withoutHost: [],
  };
  for (const [key, value] of Object.entries(options)) {
    const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
    if (refused.has(name)) throw new IechorError('NOT_SUPPORTED', `the network option "${key}" is not supported`);
    const said = known[name]?.(value, key) ?? {};
    result = { ...result, ...said, withoutHost: [...result.withoutHost, ...(said.withoutHost ?? [])] };
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
  bridgeOptions(network.options);
  const isolated = gatewayModes.some((key) => network.options[prefix + key] === 'isolated');
  if (!isolated || network.internal) return;
  throw new IechorError('BAD_REQUEST', "gateway mode 'isolated' can only be used for an internal network");
}

const gatewayModes = ['bridge.gateway_mode_ipv4', 'bridge.gateway_mode_ipv6'];

function gatewayMode(value: string, key: string, family: 4 | 6): Partial<BridgeOptions> {
  if (value === 'nat' || value === '') return {};
  if (value === 'isolated') return { withoutHost: [family] };
  if (value !== 'routed' && value !== 'nat-unprotected') throw invalid(key, value, 'nat or isolated');
  throw new IechorError('NOT_SUPPORTED', `the network option "${key}" cannot be "${value}"`, {
    hint: 'the gateway modes are nat, and isolated on internal networks',
  });
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
  if (['true', '1'].includes(value.toLowerCase())) return true;
  if (['false', '0'].includes(value.toLowerCase())) return false;
  throw invalid(key, value, 'true or false');
}

function device(value: string, key: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(value)) return value;
  throw invalid(key, value, 'a device name of at most 15 letters and digits');
}

function address(value: string, key: string): string {
  if (isIP(value) === 4) return value === '0.0.0.0' ? '' : value;
  throw invalid(key, value, 'an IPv4 address');
}

function invalid(key: string, value: string, wanted: string): IechorError {
  return new IechorError('BAD_REQUEST', `the network option "${key}" is "${value}", but must be ${wanted}`);
}
