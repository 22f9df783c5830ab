import type { ContainerInspect, MountPoint } from '../../api/types/container.ts';
import type { NetworkInspect, Volume } from '../../api/types/network.ts';
import { toJson } from '../model/json-text.ts';
import type { Printable } from '../model/printable.ts';
import { toYaml } from '../model/yaml-text.ts';
import { labels } from '../plan/labels.ts';
import { type Seen, serviceFields } from './service.ts';

export interface Found {
  readonly containers: readonly Seen[];
  readonly networks: readonly NetworkInspect[];
  readonly volumes: readonly Volume[];
}
export interface Wanted {
  readonly name?: string | undefined;
  /** Absolute; files below it are named relative to it. */
  readonly directory?: string | undefined;
  readonly format: 'yaml' | 'json';
}

type Fields = Record<string, unknown>;
type Labels = Readonly<Record<string, string>> | null | undefined;

/** A compose file that makes containers such as these. What networks and volumes they share is named as it is there. */
export function generate(found: Found, wanted: Wanted): string {
  const services: Record<string, Fields> = {};
  const top = { networks: {} as Fields, volumes: {} as Fields, secrets: {} as Fields };
  for (const seen of found.containers) {
    const { container } = seen;
    const own = container.Config.Labels ?? {};
    const name = container.Name.replace(/^\//, '');
    const key = own[labels.service] ?? name;
    const known = services[key];
    if (known) known.scale = Number(known.scale ?? 1) + 1;
    else {
      const isPlain = own[labels.service] === undefined || !name.startsWith(`${own[labels.project]}-`);
      services[key] = {
        ...serviceFields(seen),
        container_name: isPlain ? name : undefined,
        ...mountsOf(seen, found, wanted, top),
        ...networksOf(seen, found, wanted, top),
      };
    }
  }
  for (const service of Object.values(services)) if (service.scale) service.container_name = undefined;
  const inOrder = Object.entries(services).map(([key, service]) => [key, Object.fromEntries(sorted(service))]);
  const parts = Object.entries({ name: wanted.name, services: inOrder, ...top });
  const tree = printed(parts.filter(([, part]) => part && Object.keys(part).length > 0));
  return wanted.format === 'json' ? `${toJson(tree)}\n` : toYaml(tree);
}

const sorted = (fields: Fields): [string, unknown][] => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));

/** How a network or volume that exists is declared: by its name, and as somebody else's unless a project made it. */
function declared(key: string, name: string, own: Labels, wanted: Wanted): Fields {
  const project = own?.[labels.project];
  if (project === undefined) return { name, external: true };
  return project === wanted.name && name === `${project}_${key}` ? {} : { name };
}

function mountsOf({ container }: Seen, found: Found, wanted: Wanted, top: { volumes: Fields; secrets: Fields }) {
  const { directory } = wanted;
  const volumes: unknown[] = [];
  const secrets: unknown[] = [];
  const tmpfs = Object.entries(container.HostConfig.Tmpfs ?? {}).map(([at, how]) => (how ? `${at}:${how}` : at));
  for (const mount of asGiven(container)) {
    const { Type: type, Destination: target, Name: name = '' } = mount;
    const plain = { type, source: sourceOf(mount, directory), target, read_only: mount.RW ? undefined : true };
    const secret = type === 'bind' ? /^\/run\/secrets\/([^/]+)$/.exec(target)?.[1] : undefined;
    if (secret !== undefined) {
      top.secrets[secret] = { file: plain.source };
      secrets.push(secret);
    } else if (type === 'volume') {
      const volume = found.volumes.find(({ Name }) => Name === name);
      const isAnonymous = /^[0-9a-f]{64}$/.test(name);
      const source = isAnonymous ? undefined : (volume?.Labels?.[labels.volume] ?? name);
      if (source !== undefined) top.volumes[source] = declared(source, name, volume?.Labels, wanted);
      volumes.push({ ...plain, source, volume: formOf(container, target).volume });
    } else if (type === 'bind') volumes.push({ ...plain, bind: formOf(container, target).bind });
    else if (type === 'image') volumes.push(plain);
  }
  return { volumes, secrets, tmpfs };
}

/** How it was asked for; Docker's short form makes directories of the host where they are missing. */
function formOf({ HostConfig: host }: ContainerInspect, target: string): { bind: Fields; volume: Fields | undefined } {
  const long = host.Mounts?.find(({ Target }) => Target === target);
  if (!long) return { bind: { create_host_path: true }, volume: {} };
  const { NoCopy, Subpath } = long.VolumeOptions ?? {};
  return {
    bind: { create_host_path: long.BindOptions?.CreateMountpoint },
    volume: long.VolumeOptions && { nocopy: NoCopy, subpath: Subpath },
  };
}

/** The mounts in the order in which they were asked for; the engine tells them in one of its own. */
function asGiven({ Mounts: mounts, HostConfig: host }: ContainerInspect): MountPoint[] {
  const targets = [
    ...(host.Binds ?? []).map((bind) => bind.split(':')[1]),
    ...(host.Mounts ?? []).map((m) => m.Target),
  ];
  const place = ({ Destination: target }: MountPoint) =>
    targets.includes(target) ? targets.indexOf(target) : targets.length;
  return [...mounts].sort((a, b) => place(a) - place(b));
}

/** What lies below the directory by its way from there. */
function sourceOf({ Source: source }: MountPoint, directory: string | undefined): string {
  if (directory === undefined) return source;
  if (source === directory) return '.';
  return source.startsWith(`${directory}/`) ? `.${source.slice(directory.length)}` : source;
}

function networksOf({ container }: Seen, found: Found, wanted: Wanted, top: { networks: Fields }): Fields {
  const { NetworkMode: mode = 'default' } = container.HostConfig;
  if (['host', 'none'].includes(mode) || mode.startsWith('container:')) return { network_mode: mode };
  const ends = Object.entries(container.NetworkSettings.Networks).filter(([name]) => name !== 'bridge');
  const networks = ends.map(([name, end]): [string, unknown] => {
    const network = found.networks.find(({ Name }) => Name === name);
    const key = network?.Labels?.[labels.network] ?? name;
    const declaration = declared(key, name, network?.Labels, wanted);
    if (key !== 'default' || Object.keys(declaration).length > 0) top.networks[key] = declaration;
    const own = [container.Name.slice(1), container.Id.slice(0, 12), container.Config.Labels?.[labels.service]];
    const fixed = end.IPAMConfig ?? {};
    return [
      key,
      {
        aliases: (end.Aliases ?? []).filter((alias) => !own.includes(alias)),
        ipv4_address: fixed.IPv4Address || undefined,
        ipv6_address: fixed.IPv6Address || undefined,
      },
    ];
  });
  const isBare = networks.length === 1 && networks[0]?.[0] === 'default' && toJson(printed(networks)) === bare;
  return { networks: isBare ? [] : networks };
}

const bare = toJson(new Map([['default', new Map()]]));

/** Without what is empty; lists of pairs as maps; `$` doubled, so that nothing in it is taken for a variable. */
function printed(value: unknown): Printable {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (typeof value !== 'object' || value === null) return value as Printable;
  if (Array.isArray(value) && !value.every((item) => Array.isArray(item) && item.length === 2))
    return value.map(printed);
  const entries = (Array.isArray(value) ? value : Object.entries(value)) as readonly [string, unknown][];
  const said = entries.filter(([, own]) => !isEmpty(own));
  return new Map(said.map(([key, own]) => [key, printed(own)]));
}

/** An object says something by being there: a network without attributes, a dependency. */
const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || value === false || value === 0 || isEmptyList(value);
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
