import type { EngineApi } from '../api/engine-api.ts';
import { parseReference, registryOf } from '../registry/names.ts';
import { hostIn } from './image-name.ts';

export { parseReference };

type Asked = Pick<EngineApi, 'systemInfo'>;

/** The registry of an image's name: its first part where that looks like a host, else the engine's default. */
export async function domainOf(engine: Asked, name: string): Promise<string> {
  const first = hostIn(name);
  if (first === undefined) return defaultRegistryOf(engine);
  return first === 'index.docker.io' ? 'docker.io' : first;
}

/** What names without a host mean to an engine: `docker.io`, or what it is configured to. */
export async function defaultRegistryOf(engine: Asked): Promise<string> {
  const { IndexServerAddress } = await engine.systemInfo({});
  return registryOf(IndexServerAddress || 'docker.io');
}
