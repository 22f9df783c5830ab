import type { ContainerCreateBody, HealthConfig } from '../../api/types/container.ts';
import type { Healthcheck, Project, Service } from '../model/project.ts';
import { deliveries } from './delivered-files.ts';
import { endpoints } from './endpoints.ts';
import { dialedHealth } from './extension.ts';
import { type ContainerOf, defined, hostConfig } from './host-config.ts';
import { serviceMounts } from './mounts.ts';
import type { DeliveredFile } from './plan.ts';
import { exposedPorts } from './ports.ts';

export interface BodyOptions {
  readonly serviceName: string;
  readonly containerName: string;
  readonly image: string;
  readonly replica: number;
  /** How many the service has. */
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  /** One-off containers stand in for their service only when asked to. */
  readonly useAliases: boolean;
  readonly containerOf: ContainerOf;
}

/** What the engine is asked to create for one replica of a service, and the files to copy in. Pure. */
export function containerBody(
  project: Project,
  service: Service,
  options: BodyOptions,
): { readonly body: ContainerCreateBody; readonly files: readonly DeliveredFile[] } {
  const { mounts: deliveryMounts, files } = deliveries(project, service);
  const { binds, mounts } = serviceMounts(project, service);
  const names = {
    container: options.containerName,
    service: options.useAliases ? options.serviceName : undefined,
    links: links(service, options.containerOf),
  };
  const body = defined<ContainerCreateBody>({
    ...processConfig(service),
    Image: options.image,
    Labels: { ...service.labels, ...options.labels },
    HostConfig: {
      ...hostConfig(project, service, {
        replica: options.replica,
        replicas: options.replicas,
        balanceGroup: options.useAliases ? `${project.name}/${options.serviceName}` : undefined,
        containerOf: options.containerOf,
      }),
      // Only Docker's own bridge has no names of its own: the engine has to be told of each.
      ...(service.network_mode === 'bridge' && { Links: links(service, options.containerOf, true) }),
      Binds: binds,
      Mounts: [...deliveryMounts, ...mounts],
    },
    NetworkingConfig: service.network_mode ? undefined : { EndpointsConfig: endpoints(project, service, names) },
  });
  return { body, files };
}

function processConfig(service: Service): ContainerCreateBody {
  return defined<ContainerCreateBody>({
    Hostname: service.hostname,
    Domainname: service.domainname,
    User: service.user,
    AttachStdout: true,
    AttachStderr: true,
    ExposedPorts: exposedPorts(service),
    Tty: service.tty,
    OpenStdin: service.stdin_open,
    Env: service.environment && environmentList(service.environment),
    Cmd: service.command ? [...service.command] : undefined,
    Entrypoint: service.entrypoint ? entrypoint(service.entrypoint) : undefined,
    WorkingDir: service.working_dir,
    StopSignal: service.stop_signal,
    StopTimeout: service.stop_grace_period === undefined ? undefined : Math.ceil(service.stop_grace_period / 1e9),
    Healthcheck: dialedHealth(service) ?? (service.healthcheck && healthConfig(service.healthcheck)),
  });
}

/** `[]` would mean the image's entrypoint; an empty word clears it. */
const entrypoint = (words: readonly string[]): string[] => (words.length === 0 ? [''] : [...words]);

/** A name without a value takes the variable away that the image sets. */
export function environmentList(environment: NonNullable<Service['environment']>): string[] {
  return Object.entries(environment)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === null ? name : `${name}=${value}`));
}

function healthConfig(check: Healthcheck): HealthConfig {
  if (check.disable) return { Test: ['NONE'] };
  return defined<HealthConfig>({
    Test: check.test && [...check.test],
    Interval: check.interval,
    Timeout: check.timeout,
    Retries: check.retries,
    StartPeriod: check.start_period,
    StartInterval: check.start_interval,
  });
}

/** Links whose alias the network does not know anyway; `all`: every one. */
function links(service: Service, containerOf: ContainerOf, all = false): string[] {
  const own = (service.links ?? []).flatMap((link) => {
    const [target = '', alias = target] = link.split(':');
    return alias === target && !all ? [] : [`${containerOf(target)}:${alias}`];
  });
  return [...own, ...(service.external_links ?? [])];
}
