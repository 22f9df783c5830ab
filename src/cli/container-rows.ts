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

/** `127.0.0.1:8000->8000/tcp, 9000/udp`, published ones as the host has them. */
export function portsText(ports: readonly PortSummary[]): string {
  return [...ports]
    .sort((a, b) => a.PrivatePort - b.PrivatePort || a.Type.localeCompare(b.Type))
    .map((port) => {
      const inside = `${port.PrivatePort}/${port.Type}`;
      if (port.PublicPort === undefined) return inside;
      return `${port.IP?.includes(':') ? `[${port.IP}]` : port.IP}:${port.PublicPort}->${inside}`;
    })
    .join(', ');
}
