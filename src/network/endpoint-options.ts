import { IechorError } from '../common/error.ts';

/** What the driver options of one endpoint say. */
export interface EndpointOptions {
  /** Name of the link inside the container. */
  readonly interfaceName?: string;
  /** Below /proc/sys of the container's network, with `IFNAME` for its link: `net/ipv4/conf/IFNAME/log_martians`. */
  readonly sysctls: readonly (readonly [path: string, value: string])[];
}

const prefix = 'com.docker.network.endpoint.';

/** Reads an endpoint's options under Docker's names; those of others are labels to us. Throws BAD_REQUEST for a value. */
export function endpointOptions(options: Readonly<Record<string, string>>): EndpointOptions {
  const name = options[`${prefix}ifname`];
  if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/.test(name)) {
    throw new IechorError('BAD_REQUEST', `"${name}" is no name for an interface`);
  }
  const sysctls = (options[`${prefix}sysctls`] ?? '').split(',').filter((one) => one !== '');
  return { ...(name === undefined ? {} : { interfaceName: name }), sysctls: sysctls.map(interfaceSysctl) };
}

function interfaceSysctl(text: string): readonly [path: string, value: string] {
  const [, key, value] = /^(net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.IFNAME\.[a-z0-9_]+)=([0-9 ]+)$/.exec(text) ?? [];
  if (key !== undefined && value !== undefined) return [key.replaceAll('.', '/'), value];
  throw new IechorError('BAD_REQUEST', `"${text}" is no setting of one interface`, {
    hint: 'write for example net.ipv4.conf.IFNAME.log_martians=1',
  });
}
