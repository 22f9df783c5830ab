import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';

/** Publishes an event of a container with Docker's attributes: image, name, its labels, and what the action adds. */
export function publishContainer(
  context: EngineContext,
  record: ContainerRecord,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  context.events.publish({
    type: 'container',
    action,
    id: record.id,
    attributes: { ...record.config.Labels, image: record.imageName, name: record.name, ...attributes },
  });
}
