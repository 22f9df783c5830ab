import type { HostConfig, Ulimit } from '../api/types/host-config.ts';
import type { ContainerRecord } from './container-record.ts';

/** What containers have that name nothing themselves, as the engine was told when it was started. */
export interface ContainerDefaults {
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly shmSizeBytes: number;
  readonly ulimits: readonly Ulimit[];
  readonly init: boolean;
  readonly noNewPrivileges: boolean;
  /** Empty: the engine's own. Of new containers: the others stay where they are. */
  readonly cgroupParent: string;
}

export const usualDefaults: ContainerDefaults = {
  ...{ dns: [], dnsOptions: [], dnsSearch: [], ulimits: [], init: false, noNewPrivileges: false, cgroupParent: '' },
  shmSizeBytes: 64 * 1024 ** 2,
};

/**
 * A container's host configuration with the engine's defaults where it names none. They count at each start, and are
 * no part of what was asked for.
 */
export function hostOf(
  { settings }: { readonly settings: { readonly defaults: ContainerDefaults } },
  { body }: ContainerRecord,
): HostConfig {
  const host = body.HostConfig ?? {};
  const { defaults } = settings;
  const own = host.Ulimits ?? [];
  const security = host.SecurityOpt ?? [];
  const missing = defaults.ulimits.filter(({ Name }) => !own.some((limit) => limit.Name === Name));
  const bars = defaults.noNewPrivileges && !security.some((option) => option.startsWith('no-new-privileges'));
  return {
    ...host,
    Dns: chosen(host.Dns, defaults.dns),
    DnsOptions: chosen(host.DnsOptions, defaults.dnsOptions),
    DnsSearch: chosen(host.DnsSearch, defaults.dnsSearch),
    ShmSize: host.ShmSize || defaults.shmSizeBytes,
    Ulimits: [...own, ...missing],
    Init: host.Init ?? defaults.init,
    SecurityOpt: bars ? [...security, 'no-new-privileges'] : security,
  };
}

const chosen = (own: readonly string[] | null | undefined, defaults: readonly string[]): string[] =>
  own?.length ? [...own] : [...defaults];
