import { humanDuration } from '../common/duration.ts';
import type { ObservedContainer } from '../compose/plan/observe.ts';
import { containerRow } from './container-rows.ts';
import type { Column, Row } from './render/format.ts';

export const serviceColumns: readonly Column[] = [
  { title: 'NAME', field: 'Name' },
  { title: 'IMAGE', field: 'Image' },
  { title: 'COMMAND', field: 'Command' },
  { title: 'SERVICE', field: 'Service' },
  { title: 'CREATED', field: 'RunningFor' },
  { title: 'STATUS', field: 'Status' },
  { title: 'PORTS', field: 'Ports' },
];

/** A container as `compose ps --format` sees it: Docker Compose's field names. `now` in milliseconds. */
export function serviceRow(
  container: ObservedContainer,
  project: string,
  options: { now: number; truncate: boolean },
): Row {
  const { summary } = container;
  return {
    ...containerRow(summary, options),
    Name: container.name,
    Names: container.name,
    Project: project,
    Service: container.service,
    Health: container.health ?? '',
    ExitCode: container.exitCode ?? 0,
    RunningFor: `${humanDuration(options.now / 1000 - summary.Created)} ago`,
    Publishers: container.ports.map((port) => ({
      URL: port.IP ?? '',
      TargetPort: port.PrivatePort,
      PublishedPort: port.PublicPort ?? 0,
      Protocol: port.Type,
    })),
  };
}
