import type { EndpointSettings } from '../api/types/container.ts';
import { usage } from './flag-reader.ts';

/** What `network connect` was told of the endpoint. */
export interface ConnectFlags {
  readonly alias?: readonly string[] | undefined;
  readonly 'driver-opt'?: readonly string[] | undefined;
  readonly 'gw-priority'?: number | undefined;
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly link?: readonly string[] | undefined;
  readonly 'link-local-ip'?: readonly string[] | undefined;
}

/** The endpoint as the API takes it, with nothing that was not said. Throws USAGE. */
export function connectSettings(flags: ConnectFlags): EndpointSettings {
  const ipam = {
    ...(flags.ip && { IPv4Address: flags.ip }),
    ...(flags.ip6 && { IPv6Address: flags.ip6 }),
    ...(flags['link-local-ip']?.length && { LinkLocalIPs: listed(flags['link-local-ip']) }),
  };
  return {
    ...(flags.alias?.length && { Aliases: listed(flags.alias) }),
    ...(flags.link?.length && { Links: [...flags.link] }),
    ...(flags['gw-priority'] && { GwPriority: flags['gw-priority'] }),
    ...(flags['driver-opt']?.length && { DriverOpts: Object.fromEntries(listed(flags['driver-opt']).map(option)) }),
    ...(Object.keys(ipam).length > 0 && { IPAMConfig: ipam }),
  };
}

const listed = (values: readonly string[]): string[] => values.flatMap((value) => value.split(','));

function option(text: string): [string, string] {
  const at = text.indexOf('=');
  const key = text.slice(0, Math.max(0, at)).trim();
  if (key === '') usage(`invalid key/value pair format in driver options: ${text}`, 'write key=value');
  return [key, text.slice(at + 1).trim()];
}
