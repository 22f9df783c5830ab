import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import { findContainer, type Target } from './state.ts';

/** Where a container's port is published, `127.0.0.1:8080`. Throws NOT_FOUND where it is not. */
export async function publishedPort(
  engine: EngineApi,
  target: Target,
  options: { service: string; port: number; protocol: string; index?: number | undefined; signal: AbortSignal },
): Promise<string> {
  const { service, port, protocol, index, signal } = options;
  const container = await findContainer(engine, target, { service, index, signal });
  const found = container.ports.find((own) => own.PrivatePort === port && own.Type === protocol && own.PublicPort);
  if (!found) {
    const published = container.ports.filter((own) => own.PublicPort).map((own) => `${own.PrivatePort}/${own.Type}`);
    throw new IechorError('NOT_FOUND', `no port ${port}/${protocol} of ${container.name} is published`, {
      hint: published.length > 0 ? `published: ${[...new Set(published)].join(', ')}` : 'it publishes none',
    });
  }
  const host = found.IP?.includes(':') ? `[${found.IP}]` : (found.IP ?? '0.0.0.0');
  return `${host}:${found.PublicPort}`;
}
