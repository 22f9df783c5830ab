import type { EventMessage } from '../api/types/system.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';

/** Publishes that a container's volumes and networks have come up, or gone, as Docker does around start and end. */
export function publishAttachments(context: EngineContext, record: ContainerRecord, action: 'up' | 'down'): void {
  const container = record.id;
  const mounts = () => {
    for (const mount of record.mounts.filter(({ type }) => type === 'volume')) {
      const details = {
        destination: mount.destination,
        propagation: mount.propagation,
        'read/write': String(!mount.readOnly),
      };
      context.events.publish({
        type: 'volume',
        action: action === 'up' ? 'mount' : 'unmount',
        id: mount.name ?? '',
        attributes: { container, driver: 'local', ...(action === 'up' ? details : {}) },
      });
    }
  };
  if (action === 'up') mounts();
  for (const { network } of record.endpoints) {
    const found = context.networks.find(network);
    context.events.publish({
      type: 'network',
      action: action === 'up' ? 'connect' : 'disconnect',
      id: found?.id ?? network,
      attributes: { container, name: network, type: found?.driver ?? 'bridge' },
    });
  }
  if (action === 'down') mounts();
}

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

export function publishVolume(context: EngineContext, name: string, action: string): void {
  context.events.publish({ type: 'volume', action, id: name, attributes: { driver: 'local' } });
}

/** A prune has ended; `reclaimed` in bytes. */
export function publishPrune(context: EngineContext, type: EventMessage['Type'], reclaimed: number): void {
  context.events.publish({ type, action: 'prune', id: '', attributes: { reclaimed: String(reclaimed) } });
}
