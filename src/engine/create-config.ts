import { posix } from 'node:path';
import type { ContainerConfig, ContainerCreateBody, HealthConfig } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import type { ImageRunConfig } from '../image/types.ts';

/** The request over the image's configuration, by Docker's rules of merging. Pure. */
export function mergeConfig(body: ContainerCreateBody, image: ImageRunConfig): ContainerConfig {
  const { HostConfig: _host, NetworkingConfig: _network, Runtime: _runtime, ...own } = body;
  const ownEntrypoint = own.Entrypoint ?? undefined;
  const hasEntrypoint = (ownEntrypoint?.length ?? 0) > 0;
  const entrypoint = ownEntrypoint === undefined ? (image.Entrypoint ?? null) : ownEntrypoint;
  const cmd = own.Cmd?.length || hasEntrypoint ? (own.Cmd ?? null) : (image.Cmd ?? null);
  const healthcheck = mergeHealth(own.Healthcheck ?? undefined, image.Healthcheck);
  return {
    ...own,
    User: own.User || image.User || '',
    WorkingDir: normalDirectory(own.WorkingDir || image.WorkingDir || ''),
    Env: mergeEnv(image.Env ?? [], own.Env ?? []),
    Labels: { ...image.Labels, ...own.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...own.ExposedPorts },
    Volumes: { ...image.Volumes, ...own.Volumes },
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? null : entrypoint,
    Cmd: cmd,
    ...(own.StopSignal || image.StopSignal ? { StopSignal: own.StopSignal || image.StopSignal } : {}),
    ...(healthcheck ? { Healthcheck: healthcheck } : {}),
  };
}

function normalDirectory(path: string): string {
  return path === '' ? '' : posix.normalize(path).replace(/(?<=.)\/$/, '');
}

/** What runs: entrypoint and command in one list. Throws BAD_REQUEST where there is nothing to run. */
export function commandOf(config: ContainerConfig): { path: string; args: string[] } {
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) {
    throw new IechorError('BAD_REQUEST', 'no command specified', {
      hint: 'the image names neither an entrypoint nor a command: give one',
    });
  }
  return { path, args };
}

/** `overrides` over `base` as a process gets them: an entry without `=` takes the variable away. */
export function mergeProcessEnv(base: readonly string[], overrides: readonly string[]): string[] {
  return mergeEnv(base, overrides).filter((entry) => entry.includes('='));
}

/** `overrides` after `base`, one entry per name. An entry without `=` stays: it is for the process's defaults as well. */
export function mergeEnv(base: readonly string[], overrides: readonly string[]): string[] {
  const merged = new Map<string, string>();
  for (const entry of [...base, ...overrides]) {
    const at = entry.indexOf('=');
    const name = at < 0 ? entry : entry.slice(0, at);
    if (name === '' || entry.includes('\0')) {
      throw new IechorError('BAD_REQUEST', `invalid environment variable: ${entry.slice(0, 80)}`);
    }
    merged.set(name, entry);
  }
  return [...merged.values()];
}

/** `["NONE"]` takes the image's check away; what is not given is taken from the image. */
function mergeHealth(own: HealthConfig | undefined, image: HealthConfig | undefined): HealthConfig | undefined {
  if (!own) return image;
  const merged: HealthConfig = { ...image };
  if (own.Test?.length) merged.Test = own.Test;
  for (const key of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const) {
    if (own[key]) merged[key] = own[key];
  }
  return merged;
}
