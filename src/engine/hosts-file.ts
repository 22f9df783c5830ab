import { addressesOf } from '../network/records.ts';
import type { EndpointRecord } from '../network/types.ts';

/** Text of a container's /etc/hosts, as Docker writes it. Pure. */
export function hostsText(options: {
  readonly hostname: string;
  readonly domainname: string;
  readonly extraHosts: readonly string[];
  /** What `host-gateway` in an extra host stands for; undefined where there is none. */
  readonly hostGateway: string | undefined;
  readonly endpoints: readonly EndpointRecord[];
  /** Finished lines for linked containers. */
  readonly links?: readonly string[];
}): string {
  const { hostname, domainname } = options;
  const [short = ''] = hostname.split('.');
  const named = hostname === short ? hostname : `${hostname} ${short}`;
  const names = domainname ? `${hostname}.${domainname}\t${hostname}` : named;
  return [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::\tip6-localnet',
    'ff00::\tip6-mcastprefix',
    'ff02::1\tip6-allnodes',
    'ff02::2\tip6-allrouters',
    ...options.extraHosts.map((entry) => extraHost(entry, options.hostGateway)),
    ...options.endpoints.flatMap(addressesOf).map((address) => `${address}\t${names}`),
    ...(options.links ?? []),
    '',
  ].join('\n');
}

/** Text of /etc/hosts for a step of a build, as BuildKit writes it: without addresses, which change from run to run. Pure. */
export function stepHostsText(options: {
  readonly hostname: string;
  readonly extraHosts: readonly string[];
  readonly hostGateway: string | undefined;
}): string {
  return [
    `127.0.0.1\tlocalhost ${options.hostname}`,
    '::1\tlocalhost ip6-localhost ip6-loopback',
    ...options.extraHosts.map((entry) => extraHost(entry, options.hostGateway)),
    '',
  ].join('\n');
}

/** `name:address` or `name=address`; the address may have colons of its own. */
function extraHost(entry: string, hostGateway: string | undefined): string {
  const at = entry.search(/[:=]/);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  return `${address === 'host-gateway' ? (hostGateway ?? '127.0.0.1') : address}\t${entry.slice(0, at)}`;
}

/** Text of /etc/resolv.conf for a container that uses the host's network or none: the host's, with what was asked. */
export function resolvText(
  hostText: string,
  options: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  },
): string {
  const lines = hostText.split('\n').filter((line) => line.trim() !== '');
  const kept = (keyword: string, own: readonly string[], one: (values: readonly string[]) => string[]) =>
    own.length > 0 ? one(own) : lines.filter((line) => line.startsWith(keyword));
  return [
    ...kept('nameserver', options.servers, (values) => values.map((value) => `nameserver ${value}`)),
    ...kept('search', options.search, (values) => [`search ${values.join(' ')}`]),
    ...kept('options', options.options, (values) => [`options ${values.join(' ')}`]),
    '',
  ].join('\n');
}
