import type { ContainerSummary, PortSummary } from '../api/types/container.ts';
import { formatBytes } from '../common/bytes.ts';
import { humanDuration } from '../common/duration.ts';
import { shortId } from '../common/id.ts';
import type { Column, Row } from './render/format.ts';

export const containerColumns: readonly Column[] = [
  { title: 'CONTAINER ID', field: 'ID' },
  { title: 'IMAGE', field: 'Image' },
  { title: 'COMMAND', field: 'Command' },
  { title: 'CREATED', field: 'RunningFor' },
  { title: 'STATUS', field: 'Status' },
  { title: 'PORTS', field: 'Ports' },
  { title: 'NAMES', field: 'Names' },
];

/** What `--format raw` says of a container. */
export const rawContainer: readonly (readonly [name: string, field: string])[] = [
  ['container_id', 'ID'],
  ['image', 'Image'],
  ['command', 'Command'],
  ['created_at', 'CreatedAt'],
  ['state', 'State'],
  ['status', 'Status'],
  ['names', 'Names'],
  ['labels', 'Labels'],
  ['ports', 'Ports'],
];

/** A container as `ps --format` sees it: Docker's field names. `now` in milliseconds. */
export function containerRow(container: ContainerSummary, options: { now: number; truncate: boolean }): Row {
  const short = (text: string, most: number) =>
    options.truncate && text.length > most ? `${text.slice(0, most - 1)}…` : text;
  const labels = container.Labels;
  return {
    Command: JSON.stringify(short(container.Command, 20)),
    CreatedAt: new Date(container.Created * 1000)
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z$/, ' +0000 UTC'),
    ID: options.truncate ? shortId(container.Id) : container.Id,
    Image: /^sha256:/.test(container.Image) && options.truncate ? shortId(container.Image) : container.Image,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    LocalVolumes: String(container.Mounts.filter((mount) => mount.Type === 'volume').length),
    Mounts: container.Mounts.map((mount) => short(mount.Name || mount.Source, 15)).join(','),
    Names: container.Names.map((name) => name.replace(/^\//, '')).join(','),
    Networks: Object.keys(container.NetworkSettings.Networks).join(','),
    Platform: null,
    Ports: portsText(container.Ports),
    RunningFor: `${humanDuration(options.now / 1000 - container.Created)} ago`,
    Size:
      container.SizeRw === undefined
        ? '0B'
        : `${formatBytes(container.SizeRw)} (virtual ${formatBytes(container.SizeRootFs ?? 0)})`,
    State: container.State,
    Status: container.Status,
    Label: (key: string) => labels[key] ?? '',
  };
}

/**
 * `5000/tcp, 127.0.0.1:8000-8002->8000-8002/tcp, [::]:8080->80/tcp`, in Docker's order: what has one number on both
 * sides as ranges, then what has two.
 */
export function portsText(ports: readonly PortSummary[]): string {
  const sorted = [...ports].sort(
    (a, b) =>
      a.PrivatePort - b.PrivatePort ||
      compareText(a.IP ?? '', b.IP ?? '') ||
      (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
      compareText(a.Type, b.Type),
  );
  const isTranslated = ({ IP, PublicPort, PrivatePort }: PortSummary) => Boolean(IP) && PublicPort !== PrivatePort;
  const translated = sorted.filter(isTranslated);
  return [
    ...rangesOf(sorted.filter((port) => !isTranslated(port))),
    ...translated.map(({ IP = '', PublicPort, PrivatePort, Type }) =>
      publishedText(IP, `${PublicPort ?? 0}`, `${PrivatePort}/${Type}`),
    ),
  ].join(', ');
}

/** Consecutive ports of one address and protocol; a range that ends before the last of its kind comes first. */
function rangesOf(ports: readonly PortSummary[]): readonly string[] {
  const done: string[] = [];
  const open = new Map<string, { readonly first: PortSummary; last: number }>();
  for (const port of ports) {
    const key = `${port.IP ?? ''} ${port.Type}`;
    const range = open.get(key);
    if (range && port.PrivatePort === range.last + 1) {
      range.last += 1;
      continue;
    }
    if (range) done.push(rangeText(range.first, range.last));
    open.set(key, { first: port, last: port.PrivatePort });
  }
  return [...done, ...[...open.values()].map(({ first, last }) => rangeText(first, last))];
}

function rangeText({ IP, PrivatePort, Type }: PortSummary, last: number): string {
  const numbers = last === PrivatePort ? `${last}` : `${PrivatePort}-${last}`;
  return IP ? publishedText(IP, numbers, `${numbers}/${Type}`) : `${numbers}/${Type}`;
}

const publishedText = (address: string, port: string, inside: string): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}->${inside}`;

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
