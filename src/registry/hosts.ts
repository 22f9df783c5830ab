import { BlockList, isIP } from 'node:net';
import type { Proxies, RegistrySettings } from './settings.ts';

/** Where a registry may be asked. `insecure`: plain text, and TLS with any certificate, are fine. */
export interface Endpoint {
  /** `host[:port]`, which names its certificates and its credentials. */
  readonly host: string;
  readonly insecure: boolean;
  /** Set for a mirror given as `http://`. */
  readonly plain: boolean;
  readonly mirror: boolean;
}

const dockerHub = 'registry-1.docker.io';

/** Hosts to ask for a repository of a registry, best first. Mirrors stand in for docker.io, and are only read. */
export function endpointsOf(domain: string, settings: RegistrySettings, access: 'read' | 'write'): Endpoint[] {
  const own = { host: domain === 'docker.io' ? dockerHub : domain, plain: false, mirror: false };
  const mirrors = domain === 'docker.io' && access === 'read' ? settings.mirrors : [];
  return [
    ...mirrors.map((address) => {
      const { host, protocol } = new URL(address);
      return { host, plain: protocol === 'http:', mirror: true, insecure: isInsecure(host, settings) };
    }),
    { ...own, insecure: isInsecure(own.host, settings) },
  ];
}

/** Name of a host without its port, and without the brackets of an IPv6 address. */
export function hostName(host: string): string {
  return host
    .replace(/:[0-9]+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** This machine's own loopback. */
export function isLoopback(host: string): boolean {
  const name = hostName(host);
  return name === 'localhost' || name.endsWith('.localhost') || (isIP(name) !== 0 && isLocalAddress(name, 'loopback'));
}

const local = {
  loopback: blockList([
    ['127.0.0.0', 8],
    ['::1', 128],
    ['0.0.0.0', 32],
    ['::', 128],
  ]),
  link: blockList([
    ['169.254.0.0', 16],
    ['fe80::', 10],
  ]),
};

function blockList(networks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return list;
}

function isLocalAddress(address: string, kind: keyof typeof local): boolean {
  return local[kind].check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Addresses that nothing outside this machine may send us to: its loopback, and the link's (metadata services). */
export function isForbiddenAddress(address: string): boolean {
  return isIP(address) !== 0 && (isLocalAddress(address, 'loopback') || isLocalAddress(address, 'link'));
}

function isInsecure(host: string, settings: RegistrySettings): boolean {
  const name = hostName(host);
  if (isLoopback(host)) return true;
  return settings.insecure.some((entry) => {
    const [network = '', prefix] = entry.split('/');
    if (prefix === undefined) return entry.toLowerCase() === host.toLowerCase() || entry.toLowerCase() === name;
    return (
      isIP(name) !== 0 &&
      isIP(name) === isIP(network) &&
      blockList([[network, Number(prefix)]]).check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4')
    );
  });
}

/** The proxy for a URL, by Docker's and curl's rules of NO_PROXY: names with their subdomains, addresses, networks, `*`. */
export function proxyFor(url: URL, proxies: Proxies): URL | undefined {
  const address = url.protocol === 'https:' ? proxies.https : proxies.http;
  if (address === undefined || isLoopback(url.host)) return undefined;
  const name = hostName(url.host);
  const excluded = proxies.none.some((entry) => {
    const [network = '', prefix] = entry.split('/');
    if (prefix !== undefined && isIP(network) !== 0) {
      return (
        isIP(name) === isIP(network) &&
        blockList([[network, Number(prefix)]]).check(name, isIP(name) === 6 ? 'ipv6' : 'ipv4')
      );
    }
    const wanted = entry.toLowerCase().replace(/^\*?\./, '');
    return entry === '*' || entry.toLowerCase() === url.host || name === wanted || name.endsWith(`.${wanted}`);
  });
  return excluded ? undefined : (URL.parse(address.includes('://') ? address : `http://${address}`) ?? undefined);
}

/** Hosts that exchange passwords for the tokens of a registry, apart from its own. */
const knownAuthHosts: Readonly<Record<string, readonly string[]>> = {
  'registry-1.docker.io': ['auth.docker.io'],
};

/**
 * Whether a registry's password may be sent to the host that hands out its tokens: the registry itself, one beside it
 * (registry.example.com and auth.example.com), and those that are known or configured.
 */
export function mayAuthenticate(host: string, realm: string, settings: RegistrySettings): boolean {
  const [registry, target] = [hostName(host), hostName(realm)];
  if (registry === target) return true;
  const named = [...(knownAuthHosts[registry] ?? []), ...(settings.authHosts[host] ?? [])];
  if (named.some((entry) => entry === target || entry === realm)) return true;
  if (isIP(registry) !== 0) return false;
  const parent = registry.split('.').slice(1);
  const family = parent.join('.');
  return parent.length >= 2 && !isPublicSuffix(parent) && (target === family || target.endsWith(`.${family}`));
}

/** `co.uk` and its kin: two short labels under which everybody registers. */
function isPublicSuffix(labels: readonly string[]): boolean {
  return labels.length === 2 && labels.every((label) => label.length <= 3);
}
