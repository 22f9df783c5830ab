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
}

const prefix = 'com.docker.network.';
type Reader = (value: string, key: string) => Partial<BridgeOptions>;
const known: Readonly<Record<string, Reader>> = {
  'driver.mtu': (value, key) => ({ mtu: number(value, key) }),
  'bridge.name': (value, key) => ({ device: device(value, key) }),
  'bridge.enable_icc': (value, key) => ({ communication: flag(value, key) }),
  'bridge.enable_ip_masquerade': (value, key) => ({ masquerade: flag(value, key) }),
  'bridge.host_binding_ipv4': (value, key) => ({ bindAddress: address(value, key) }),
};

/** Reads driver options under Docker's names. Throws BAD_REQUEST for a value, NOT_SUPPORTED for a name. */
export function bridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  let result: BridgeOptions = { communication: true, masquerade: true, bindAddress: '' };
  for (const [key, value] of Object.entries(options)) {
    const read = key.startsWith(prefix) ? known[key.slice(prefix.length)] : undefined;
    if (!read) {
      const names = Object.keys(known).map((name) => prefix + name);
      throw new IechorError('NOT_SUPPORTED', `the network option "${key}" is not known`, {
        hint: `known options are ${names.join(', ')}`,
      });
    }
    result = { ...result, ...read(value, key) };
  }
  return result;
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
