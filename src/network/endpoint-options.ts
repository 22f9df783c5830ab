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
    throw invalid(`"${name}" is no name for an interface`);
  }
  const sysctls = (options[`${prefix}sysctls`] ?? '').split(',').filter((one) => one !== '');
  return { ...(name === undefined ? {} : { interfaceName: name }), sysctls: sysctls.map(interfaceSysctl) };
}

function interfaceSysctl(text: string): readonly [path: string, value: string] {
  // Docker's CLI writes what it sends in small letters.
  const pattern = /^(net\.(?:ipv4|ipv6|mpls)\.[a-z]+)\.(?:IFNAME|ifname)\.([a-z0-9_]+)=([-\w ]+)$/;
  const [, area, key, value] = pattern.exec(text) ?? [];
  if (area !== undefined && value !== undefined) return [`${area.replaceAll('.', '/')}/IFNAME/${key}`, value];
  throw invalid(
    `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
  );
}

const invalid = (message: string): IechorError =>
  new IechorError('BAD_REQUEST', `invalid endpoint settings:\n${message}`, {
    hint: 'a setting is written as net.ipv4.conf.IFNAME.log_martians=1, a name with at most 15 letters and digits',
  });
