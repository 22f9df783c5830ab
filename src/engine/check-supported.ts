import { annotations } from '../api/annotations.ts';
import type { ContainerCreateBody } from '../api/types/container.ts';
import { IechorError, messageOf } from '../common/error.ts';
import { checkLogConfig } from './logging/log-options.ts';
import { scheduleOf } from './schedules.ts';

/** Fields of Docker's HostConfig that have no effect here. What Docker does not know is none of ours, as it is none of its. */
const withoutEffect = new Set('CpuCount CpuPercent Cgroup UsernsMode'.split(' '));
/** Values by which clients say "nothing" for fields that have no effect here. */
const inertValues: Readonly<Record<string, readonly unknown[]>> = {
  Isolation: ['default'],
  UsernsMode: ['host'],
  Cgroup: ['private'],
};
/** Fields that are refused in Docker's own words. */
const refusals: Readonly<Record<string, (value: unknown) => IechorError>> = {
  StorageOpt: () => bad("--storage-opt is supported only for overlay over xfs with 'pquota' mount option"),
  Isolation: (value) => bad(`invalid isolation (${value}): linux only supports 'default'`),
  IOMaximumIOps: () => bad('invalid option: QoS maximum IOPs configuration is not supported on linux'),
  IOMaximumBandwidth: () => bad('invalid option: QoS maximum bandwidth configuration is not supported on linux'),
};

/** Throws NOT_SUPPORTED, naming the field, for anything asked for that would have no effect. */
export function checkSupported(body: ContainerCreateBody, runtime: string): void {
  checkRuntime(body.Runtime ?? '', runtime);
  const host = body.HostConfig ?? {};
  for (const [field, value] of Object.entries(host)) {
    if (field === 'Runtime') checkRuntime(String(value ?? ''), runtime);
    else if (isNothing(value) || inertValues[field]?.includes(value)) continue;
    else if (refusals[field]) throw refusals[field](value);
    else if (withoutEffect.has(field)) throw unsupported(`HostConfig.${field}`);
  }
  checkLogConfig(host);
  checkSchedule(host.Annotations?.[annotations.schedule]);
  for (const name of Object.keys(host.Annotations ?? {})) {
    // These steer the OCI runtime itself: hooks, filters, handlers.
    if (/^(run\.oci\.|org\.criu|org\.opencontainers\.runc|io\.katacontainers)/.test(name)) {
      throw unsupported(`annotation "${name}"`, 'annotations that steer the runtime are the engine’s own');
    }
  }
}

function checkSchedule(annotation: string | undefined): void {
  try {
    scheduleOf(annotation);
  } catch (error) {
    throw new IechorError('BAD_REQUEST', `annotation ${annotations.schedule}: ${messageOf(error)}`);
  }
}

function checkRuntime(asked: string, own: string): void {
  // Docker's name of the runtime that comes with the engine; ours is one of OCI as well.
  if (['', own, 'runc', 'io.containerd.runc.v2'].includes(asked)) return;
  throw new IechorError('BAD_REQUEST', `unknown or invalid runtime name: ${asked}`, {
    hint: `the daemon runs containers with ${own}`,
  });
}

const bad = (message: string) => new IechorError('BAD_REQUEST', message);

function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return !value;
  return Object.values(value).every(isNothing);
}

function unsupported(what: string, hint?: string): IechorError {
  return new IechorError('NOT_SUPPORTED', `${what} is not supported yet`, { hint });
}
