import type { EngineApi } from '../api/engine-api.ts';
import type { Volume } from '../api/types/network.ts';
import { labels } from './plan/labels.ts';
import { findContainers, type Target } from './state.ts';

/** Volumes of the project by its label; with services, those that their containers use. */
export async function listVolumes(
  engine: EngineApi,
  target: Target,
  options: { readonly services: readonly string[]; readonly signal: AbortSignal },
): Promise<Volume[]> {
  const { services, signal } = options;
  const filters = { label: [`${labels.project}=${target.project}`] };
  const volumes = (await engine.volumeList({ filters, signal })).Volumes ?? [];
  if (services.length === 0) return volumes;
  const containers = await findContainers(engine, target, { services, oneoff: true, signal });
  const used = new Set(containers.flatMap(({ mounts }) => mounts.map(({ Name }) => Name)));
  return volumes.filter(({ Name }) => used.has(Name));
}
