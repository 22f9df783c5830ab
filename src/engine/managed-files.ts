import { readFileSync, writeFileSync } from 'node:fs';
import { readIfThere } from '../host/files.ts';
import type { SandboxState } from '../network/types.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { defaultNetwork, type NetworkKind } from './create-network.ts';
import { hostOf } from './defaults.ts';
import { hostsText, resolvText } from './hosts-file.ts';
import { type LiveLink, linkHosts, reachableLinks } from './live-links.ts';
import type { MountsInput } from './oci-mounts.ts';
import { managedFile } from './paths.ts';

/** Writes hosts, hostname and resolv.conf of a container; returns their paths. Those of a shared network are its owner's. */
export function writeManagedFiles(
  context: EngineContext,
  record: ContainerRecord,
  options: {
    readonly kind: NetworkKind;
    readonly network: SandboxState | undefined;
    readonly hostname: string;
    readonly links: readonly LiveLink[];
  },
): NonNullable<MountsInput['managed']> {
  const owner = options.kind === 'container' ? networkOwner(context, record) : undefined;
  const path = (name: 'hosts' | 'hostname' | 'resolv.conf') => managedFile(context.roots, (owner ?? record).id, name);
  const files = { hosts: path('hosts'), hostname: path('hostname'), resolvConf: path('resolv.conf') };
  if (owner) return files;
  const host = hostOf(context, record);
  const dns = { servers: host.Dns ?? [], search: host.DnsSearch ?? [], options: host.DnsOptions ?? [] };
  const hostResolv = readIfThere('/etc/resolv.conf') ?? '';
  replace(files.resolvConf, options.network?.resolvConf ?? resolvText(hostResolv, dns));
  replace(files.hostname, `${options.hostname}\n`);
  replace(files.hosts, hostsOf(context, record, options));
  return files;
}

/** Writes /etc/hosts again after a live connect or disconnect: in place, since the container has the file mounted. */
export function rewriteHosts(context: EngineContext, record: ContainerRecord): void {
  const options = { kind: 'networks' as const, hostname: record.hostname, links: reachableLinks(context, record) };
  replace(managedFile(context.roots, record.id, 'hosts'), hostsOf(context, record, options));
}

/** The container whose network `container:<name>` uses. */
export function networkOwner(context: EngineContext, record: ContainerRecord): ContainerRecord {
  return context.containers.get((record.body.HostConfig?.NetworkMode ?? '').slice('container:'.length));
}

function hostsOf(
  context: EngineContext,
  record: ContainerRecord,
  options: { readonly kind: NetworkKind; readonly hostname: string; readonly links: readonly LiveLink[] },
): string {
  const extraHosts = record.body.HostConfig?.ExtraHosts ?? [];
  const gateway = context.networks.find(defaultNetwork)?.pools[0]?.gateway;
  if (options.kind === 'host') {
    const extra = hostsText({ hostname: '', domainname: '', extraHosts, hostGateway: gateway, endpoints: [] });
    const own = readIfThere('/etc/hosts') ?? '';
    return own + extra.split('\n').slice(6).join('\n');
  }
  return hostsText({
    hostname: options.hostname,
    domainname: record.config.Domainname ?? '',
    extraHosts,
    hostGateway: gateway,
    endpoints: options.kind === 'networks' ? context.networks.endpointsOf(record.id) : [],
    links: linkHosts(options.links),
  });
}

function replace(path: string, text: string): void {
  let current: string | undefined;
  try {
    current = readFileSync(path, 'utf8');
  } catch {
    current = undefined;
  }
  if (current !== text) writeFileSync(path, text, { mode: 0o644 });
}
