import type { EndpointSettings } from '../api/types/container.ts';
import { type ContainerFlags, defined, flagReader, pair, usage } from './flag-reader.ts';

/** A network as `--network` names it: `NAME`, or `name=NAME,alias=a,ip=10.0.0.2,...`. */
interface Attachment {
  readonly name: string;
  readonly settings: EndpointSettings;
}

/** The networks a container is made with, the first of which gives its mode. Throws USAGE. */
export function endpoints(flags: ContainerFlags): {
  readonly mode: string;
  readonly endpoints: Record<string, EndpointSettings>;
} {
  const { list } = flagReader(flags);
  const [first = { name: 'default', settings: {} }, ...others] = list('network').map(attachment);
  const settings = { ...first.settings, ...ofFlags(flags, first.settings) };
  const all = [...(Object.keys(settings).length > 0 || others.length > 0 ? [{ ...first, settings }] : []), ...others];
  const twice = all.find(({ name }, index) => all.findIndex((each) => each.name === name) !== index);
  if (twice) usage(`network "${twice.name}" is specified multiple times`, 'name each network once');
  return { mode: first.name, endpoints: Object.fromEntries(all.map(({ name, settings: own }) => [name, own])) };
}

/** What flags of their own say about the first network; what is said in both ways contradicts itself. */
function ofFlags(flags: ContainerFlags, given: EndpointSettings): EndpointSettings {
  const { str, list } = flagReader(flags);
  const local = list('link-local-ip');
  const addresses = defined({ IPv4Address: str('ip'), IPv6Address: str('ip6') });
  const ipam = { ...addresses, ...(local.length > 0 && { LinkLocalIPs: local }) };
  const settings = defined({
    Aliases: list('network-alias').length > 0 ? list('network-alias') : undefined,
    IPAMConfig: Object.keys(ipam).length > 0 ? ipam : undefined,
    MacAddress: str('mac-address'),
  }) as EndpointSettings;
  const both = Object.keys(settings).find((key) => key in given);
  if (both) usage(`conflicting options: ${both} is given by a flag and with the network`, 'give it once');
  return settings;
}

function attachment(text: string): Attachment {
  if (!text.includes('=')) return { name: text, settings: {} };
  const fields = text.split(',').map((field) => pair(field));
  const of = (key: string) => fields.filter(([name]) => name === key).map(([, value]) => value);
  const one = (key: string) => of(key).at(-1);
  const unknown = fields.find(([name]) => !known.includes(name));
  if (unknown) usage(`invalid field ${unknown[0]} of --network`, `known: ${known.join(', ')}`);
  const name = one('name') ?? usage('network name/id is not specified', 'write name=NETWORK,alias=...');
  const ipam = defined({
    IPv4Address: one('ip'),
    IPv6Address: one('ip6'),
    LinkLocalIPs: of('link-local-ip').length > 0 ? of('link-local-ip') : undefined,
  });
  const priority = one('gw-priority');
  if (priority !== undefined && !/^-?\d{1,9}$/.test(priority))
    usage(`invalid gw-priority (${priority})`, 'write a number');
  const settings = defined({
    Aliases: of('alias').length > 0 ? of('alias') : undefined,
    IPAMConfig: Object.keys(ipam).length > 0 ? ipam : undefined,
    MacAddress: one('mac-address'),
    DriverOpts:
      of('driver-opt').length > 0 ? Object.fromEntries(of('driver-opt').map((option) => pair(option))) : undefined,
    GwPriority: priority === undefined ? undefined : Number(priority),
  }) as EndpointSettings;
  return { name, settings };
}

const known = ['name', 'alias', 'driver-opt', 'ip', 'ip6', 'link-local-ip', 'mac-address', 'gw-priority'];
