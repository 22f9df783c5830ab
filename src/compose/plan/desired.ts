import type { ContainerCreateBody } from '../../api/types/container.ts';
import type { NetworkCreateBody, VolumeCreateBody } from '../../api/types/network.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { version } from '../../common/version.ts';
import type { Dependency, NetworkSpec, Project, Service, VolumeSpec } from '../model/project.ts';
import { networkHash, serviceHash, volumeHash } from './config-hash.ts';
import { containerBody } from './container-body.ts';
import { creationProviders, dependenciesOf } from './dependencies.ts';
import {
  type Fingerprints,
  fingerprintsOfResource,
  fingerprintsOfService,
  fingerprintsText,
  newestRules,
} from './fingerprints.ts';
import { defined } from './host-config.ts';
import { dependencyLabel, labels } from './labels.ts';
import { containerName, imageName, type Separator } from './names.ts';
import type { DeliveredFile } from './plan.ts';
import { withoutProviders } from './providers.ts';

/** Fingerprints by the rules that another version wrote a label by; undefined for rules that are not known here. */
export type FingerprintsBy = (rule: number) => Fingerprints | undefined;

export interface DesiredResource<Body> {
  readonly key: string;
  readonly name: string;
  readonly external: boolean;
  readonly body: Body;
  readonly fingerprintsBy: FingerprintsBy;
}
export type DesiredNetwork = DesiredResource<NetworkCreateBody>;
export type DesiredVolume = DesiredResource<VolumeCreateBody>;
export interface DesiredService {
  readonly name: string;
  readonly scale: number;
  readonly image: string;
  readonly service: Service;
  readonly configHash: string;
  readonly fingerprints: Fingerprints;
  readonly fingerprintsBy: FingerprintsBy;
  readonly dependencies: ReadonlyMap<string, Dependency>;
  /** Services whose containers must be there before this one's are created. */
  readonly providers: readonly string[];
  readonly containerName: (replica: number) => string;
  readonly container: (replica: number, imageId: string | undefined) => DesiredContainer;
}
export interface DesiredContainer {
  readonly name: string;
  readonly body: ContainerCreateBody;
  readonly files: readonly DeliveredFile[];
}

/** What the project asks for, resource by resource. */
export interface Desired {
  readonly project: Project;
  readonly networks: readonly DesiredNetwork[];
  readonly volumes: readonly DesiredVolume[];
  readonly services: ReadonlyMap<string, DesiredService>;
  /** What the build files of services are `FROM`, in normal form; where they were looked at. */
  readonly bases?: ReadonlyMap<string, ReadonlySet<string>>;
  /** Places in the compose files, for reasons and errors. */
  readonly spanOf: (...path: (string | number)[]) => readonly SourceSpan[];
}

export interface DesiredOptions {
  readonly spanOf?: Desired['spanOf'];
  /** `--scale`, over `scale` and `deploy.replicas`. */
  readonly scale?: Readonly<Record<string, number>>;
  readonly separator?: Separator;
}

/** Project to Desired. Pure; bodies of containers are made on demand, since most `up` change few. */
export function desiredOf(whole: Project, options: DesiredOptions = {}): Desired {
  const project = withoutProviders(whole);
  const { spanOf = () => [], scale = {}, separator = '-' } = options;
  const services = new Map(
    Object.keys(project.services)
      .sort()
      .map((name) => [name, desiredService(project, name, { separator, scale: scale[name] })]),
  );
  return {
    project,
    services,
    spanOf,
    networks: byKey(project.networks).map(([key, spec]) => resource(project, key, { spec, bodyOf: networkBody })),
    volumes: byKey(project.volumes).map(([key, spec]) => resource(project, key, { spec, bodyOf: volumeBody })),
  };
}

function resource<Spec extends NetworkSpec | VolumeSpec, Body>(
  project: Project,
  key: string,
  { spec, bodyOf }: { spec: Spec; bodyOf: (project: Project, key: string, spec: Spec) => Body },
): DesiredResource<Body> {
  const body = once(() => bodyOf(project, key, spec));
  return {
    key,
    name: spec.name,
    external: spec.external ?? false,
    get body() {
      return body();
    },
    fingerprintsBy: (rule) => fingerprintsOfResource(project.name, key, { spec, rule }),
  };
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

const byKey = <T>(map: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));

function desiredService(
  project: Project,
  name: string,
  options: { separator: Separator; scale: number | undefined },
): DesiredService {
  const service = project.services[name] as Service;
  const { separator } = options;
  const image = imageName(project, name, service, separator);
  // Most runs find that little changed: what is not asked for is not computed, and nothing twice.
  const configHash = once(() => serviceHash(service));
  const fingerprints = once(() => fingerprintsOfService(project, name, { service }) ?? {});
  const dependencies = dependenciesOf(service);
  const nameOf = (replica: number) =>
    containerName(project.name, name, { number: replica, separator, own: service.container_name });
  const containerOf = (other: string) =>
    containerName(project.name, other, { number: 1, separator, own: project.services[other]?.container_name });
  const scale = options.scale ?? replicas(service);
  return {
    name,
    image,
    service,
    get configHash() {
      return configHash();
    },
    get fingerprints() {
      return fingerprints();
    },
    fingerprintsBy: (rule) =>
      rule === newestRules ? fingerprints() : fingerprintsOfService(project, name, { service, rule }),
    dependencies,
    scale,
    providers: creationProviders(service),
    containerName: nameOf,
    container(replica, imageId) {
      const hashes = { configHash: configHash(), fingerprints: fingerprints() };
      const own = containerLabels(project, name, { replica, ...hashes, dependencies, imageId });
      const body = {
        serviceName: name,
        containerName: nameOf(replica),
        image,
        replica,
        replicas: scale,
        labels: own,
        useAliases: true,
        containerOf,
      };
      return { name: nameOf(replica), ...containerBody(project, service, body) };
    },
  };
}

/** `mode: global` is one on each machine: one. */
const replicas = (service: Service): number =>
  service.scale ?? (service.deploy?.mode === 'global' ? 1 : (service.deploy?.replicas ?? 1));

/** Labels of one container: Docker Compose's, and our fingerprints. */
export function containerLabels(
  project: Project,
  service: string,
  options: {
    readonly replica: number;
    readonly configHash: string;
    readonly fingerprints: Fingerprints;
    readonly dependencies: ReadonlyMap<string, Dependency>;
    readonly imageId: string | undefined;
    readonly oneoff?: { readonly slug: string };
  },
): Record<string, string> {
  const dependencies = [...options.dependencies].map(([name, dependency]) => ({
    service: name,
    condition: dependency.condition,
    restart: dependency.restart ?? false,
  }));
  return defined<Record<string, string>>({
    ...projectLabels(project),
    [labels.service]: service,
    [labels.number]: options.oneoff ? undefined : String(options.replica),
    [labels.oneoff]: options.oneoff ? 'True' : 'False',
    [labels.slug]: options.oneoff?.slug,
    [labels.configHash]: options.configHash,
    [labels.dependsOn]: dependencyLabel(dependencies),
    [labels.image]: options.imageId,
    [labels.configFiles]: project.composeFiles.join(','),
    [labels.workingDir]: project.workingDirectory,
    [labels.fingerprints]: fingerprintsText(options.fingerprints),
  });
}

/** Labels that every resource of a project carries. */
export function projectLabels(project: Pick<Project, 'name'>): Record<string, string> {
  return { [labels.project]: project.name, [labels.version]: version };
}

function networkBody(project: Project, key: string, spec: NetworkSpec): NetworkCreateBody {
  const { driver, options, config } = spec.ipam;
  const pools = config?.map((pool) =>
    defined<{ Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }>({
      Subnet: pool.subnet,
      IPRange: pool.ip_range,
      Gateway: pool.gateway,
      AuxiliaryAddresses: pool.aux_addresses && { ...pool.aux_addresses },
    }),
  );
  return defined<NetworkCreateBody>({
    Name: spec.name,
    Driver: spec.driver ?? 'bridge',
    Internal: spec.internal,
    Attachable: spec.attachable,
    EnableIPv4: spec.enable_ipv4,
    EnableIPv6: spec.enable_ipv6,
    Options: spec.driver_opts && { ...spec.driver_opts },
    IPAM:
      driver || options || pools
        ? defined({ Driver: driver, Options: options && { ...options }, Config: pools })
        : undefined,
    Labels: {
      ...spec.labels,
      ...projectLabels(project),
      [labels.network]: key,
      [labels.configHash]: networkHash(spec),
      [labels.fingerprints]: fingerprintsText(fingerprintsOfResource(project.name, key, { spec }) ?? {}),
    },
  });
}

function volumeBody(project: Project, key: string, spec: VolumeSpec): VolumeCreateBody {
  return defined<VolumeCreateBody>({
    Name: spec.name,
    Driver: spec.driver ?? 'local',
    DriverOpts: spec.driver_opts && { ...spec.driver_opts },
    Labels: {
      ...spec.labels,
      ...projectLabels(project),
      [labels.volume]: key,
      [labels.configHash]: volumeHash(spec),
      [labels.fingerprints]: fingerprintsText(fingerprintsOfResource(project.name, key, { spec }) ?? {}),
    },
  });
}
