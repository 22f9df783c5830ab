import type { BuildOptions } from '../../api/types/image.ts';
import type { SourceSpan } from '../../common/diagnostic.ts';
import { humanDuration } from '../../common/duration.ts';
import { IechorError } from '../../common/error.ts';
import type { Build, Environment } from '../model/project.ts';
import { readAttestations } from './attestations.ts';
import { furtherContexts, imageSources, inBuildOrder } from './build-sources.ts';
import { contentSource } from './delivered-files.ts';
import { type Desired, type DesiredService, projectLabels } from './desired.ts';
import { defined, ulimitsOf } from './host-config.ts';
import { labels } from './labels.ts';
import { familiarReference, shortDigest } from './names.ts';
import type { Observed } from './observe.ts';
import { type BuildSpec, type Plan, PlanBuilder, type StepId } from './plan.ts';
import { refreshSeconds } from './pull-policy.ts';

export interface ImageIntent {
  readonly build: 'missing' | 'always' | 'never';
  readonly pull?: 'always' | 'missing' | 'never' | undefined;
  /** Who asks for it, where that is no flag of `up`. */
  readonly asked?: string;
}
/** What `build` adds on its command line. */
export interface BuildFlags {
  /** Sockets of SSH agents by id, in place of those of the file. */
  readonly ssh?: Readonly<Record<string, string>> | undefined;
  readonly buildArgs?: Environment;
  readonly noCache?: boolean;
  readonly pull?: boolean;
  /** Memory limit of RUN steps. */
  readonly memoryBytes?: number | undefined;
  /** As of `services.*.build`, in place of what stands there. */
  readonly provenance?: string | undefined;
  readonly sbom?: string | undefined;
  /** An image for each of `platforms`; else for the one that containers of the service take. */
  readonly allPlatforms?: boolean;
}

/**
 * First round: which images are built and pulled, and why. Throws IMAGE_NOT_FOUND where an image is missing that may
 * be neither pulled nor built.
 */
export function planImages(
  desired: Desired,
  observed: Observed,
  intent: ImageIntent & { services: ReadonlySet<string> },
): Plan {
  const plan = new PlanBuilder();
  const built = new Set<string>();
  const selected = [...desired.services.values()].filter((service) => intent.services.has(service.name));
  const steps = new Map<string, StepId>();
  const isMissing = ({ image }: DesiredService) => !observed.images.has(image);
  for (const service of inBuildOrder(desired, selected, isMissing)) {
    const asked = service.service.build && buildReason(service, observed, intent);
    const reason = asked ?? (selected.includes(service) ? undefined : 'another image is built from it');
    if (!reason) continue;
    built.add(familiarReference(service.image));
    const step = plan.add('buildImage', {
      after: imageSources(desired, service).map((name) => steps.get(name)),
      target: `image:${service.name}`,
      label: `Image ${service.image}`,
      service: service.name,
      build: buildSpec(desired, service),
      reason,
      because: place(desired, service, 'build'),
    });
    steps.set(service.name, step);
  }
  for (const service of selected) {
    const reference = familiarReference(service.image);
    if (built.has(reference)) continue;
    const reason = pullReason(service, observed, intent);
    if (!reason) continue;
    built.add(reference);
    const { platform } = service.service;
    plan.add('pullImage', {
      target: `image:${service.name}`,
      label: `Image ${service.image}`,
      image: service.image,
      ...(platform && { platform }),
      // An image that is there serves on where its registry cannot be asked for a newer one.
      ...((service.service.build || reason.includes(', and pulled ')) && { optional: true }),
      reason,
      because: place(desired, service, 'image'),
    });
  }
  refuseMissing(desired, selected, (image) => observed.images.has(image) || built.has(familiarReference(image)));
  return plan.build();
}

const place = (desired: Desired, service: DesiredService, attribute: string): SourceSpan | undefined =>
  desired.spanOf('services', service.name, attribute)[0];

function buildReason(service: DesiredService, observed: Observed, intent: ImageIntent): string | undefined {
  const missing = !observed.images.has(service.image);
  if (intent.build === 'never') {
    if (!missing) return undefined;
    throw new IechorError(
      'IMAGE_NOT_FOUND',
      `service ${service.name} has no image ${service.image}, and may not build it`,
      {
        hint: 'leave --no-build away',
      },
    );
  }
  if (intent.build === 'always') return renewed(service, observed, 'asked for by --build');
  if (service.service.pull_policy === 'build') return renewed(service, observed, 'pull_policy: build');
  return missing ? 'not in local store' : undefined;
}

/** Why an image is built, and which is there. */
export function renewed({ image }: DesiredService, { images }: Pick<Observed, 'images'>, reason: string): string {
  const found = images.get(image);
  return found ? `${reason}: ${shortDigest(found.id)} -> built anew` : reason;
}

function pullReason(service: DesiredService, observed: Observed, intent: ImageIntent): string | undefined {
  const policy = intent.pull ?? service.service.pull_policy ?? 'missing';
  if (service.service.build || policy === 'never' || policy === 'build') return undefined;
  const image = observed.images.get(service.image);
  if (policy === 'always') {
    const asked = intent.pull ? (intent.asked ?? 'asked for by --pull always') : 'pull_policy: always';
    return image ? `${asked}: ${shortDigest(image.id)} -> the registry's` : asked;
  }
  if (!image) return 'not in local store';
  const limit = intent.pull ? undefined : refreshSeconds(service.service);
  const { ageSeconds } = image;
  if (limit === undefined || ageSeconds === undefined || ageSeconds < limit) return undefined;
  return `pull_policy: ${service.service.pull_policy}, and pulled ${humanDuration(ageSeconds)} ago`;
}

/** Images that are missing and that no step of the plan brings: their service may not pull. */
function refuseMissing(desired: Desired, selected: readonly DesiredService[], known: (image: string) => boolean): void {
  for (const service of selected) {
    if (known(service.image)) continue;
    const builder = [...desired.services.values()].find(
      (other) => other.service.build && familiarReference(other.image) === familiarReference(service.image),
    );
    throw new IechorError(
      'IMAGE_NOT_FOUND',
      `service ${service.name} needs image ${service.image}, which is not in the local store`,
      {
        at: desired.spanOf('services', service.name, 'image').slice(0, 1),
        hint: builder ? `build it: build ${builder.name}` : 'pull it first, or allow it with --pull missing',
      },
    );
  }
}

/** A service's `build` as the engine takes it. Relative paths are those of the model: absolute already. */
export function buildSpec(desired: Desired, service: DesiredService, flags: BuildFlags = {}): BuildSpec {
  const build = service.service.build as Build;
  const { project } = desired;
  const hosts = Object.entries(build.extra_hosts ?? {}).flatMap(([host, ips]) => ips.map((ip) => `${host}:${ip}`));
  const args = { ...build.args, ...flags.buildArgs };
  const options = defined<BuildOptions>({
    dockerfile: build.dockerfile,
    t: [service.image, ...(build.tags ?? [])],
    buildargs: Object.keys(args).length > 0 ? resolved(args, project.environment) : undefined,
    labels: { ...build.labels, ...projectLabels(project), [labels.service]: service.name },
    target: build.target,
    attestations: readAttestations({ ...said(build), ...said(flags) }),
    nocache: (build.no_cache ?? false) || (flags.noCache ?? false) || undefined,
    pull: build.pull || flags.pull ? '1' : undefined,
    networkmode: build.network,
    shmsize: build.shm_size,
    memory: flags.memoryBytes,
    ulimits: build.ulimits && ulimitsOf(build.ulimits),
    allow: build.entitlements,
    extrahosts: hosts.length > 0 ? hosts : undefined,
    platform: platformOf(desired, service, flags.allPlatforms ?? false),
    ssh: flags.ssh ?? (build.ssh?.length ? agents(build.ssh, project.environment) : undefined),
    rm: true,
  });
  return defined<BuildSpec>({
    context: build.context ?? '.',
    dockerfile: build.dockerfile,
    inline: build.dockerfile_inline,
    cacheFrom: build.cache_from,
    cacheTo: build.cache_to,
    contexts: build.additional_contexts && furtherContexts(desired, build.additional_contexts),
    options,
    secrets: build.secrets?.map(({ source, target }) => ({
      id: target ?? source,
      source: contentSource(project.secrets[source]),
    })),
  });
}

/** As Docker Compose chooses: the service's own, else what the environment says, else the only one, else this machine's. */
function platformOf(desired: Desired, { name, service }: DesiredService, all: boolean): string | undefined {
  const platforms = service.build?.platforms ?? [];
  if (all && platforms.length > 0) return platforms.join(',');
  const wanted = desired.project.environment.DOCKER_DEFAULT_PLATFORM;
  const chosen = service.platform ?? (wanted === '' ? undefined : wanted);
  if (chosen === undefined) return platforms.length === 1 ? platforms[0] : undefined;
  if (platforms.length === 0 || platforms.includes(chosen)) return chosen;
  const message = `service "${name}" build.platforms does not support value set by DOCKER_DEFAULT_PLATFORM: ${chosen}`;
  throw new IechorError('COMPOSE_INVALID', message, {
    at: desired.spanOf('services', name, 'build', 'platforms').slice(0, 1),
    hint: `it is built for ${platforms.join(', ')}`,
  });
}

const said = ({ provenance, sbom }: Pick<Build, 'provenance' | 'sbom'> | BuildFlags) =>
  defined<{ provenance: string; sbom: string }>({ provenance, sbom });

function agents(ssh: NonNullable<Build['ssh']>, environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    ssh.map(({ id, path = environment.SSH_AUTH_SOCK }) => {
      if (path) return [id, path];
      throw new IechorError('COMPOSE_INVALID', 'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set', {
        hint: `the build's ssh ${JSON.stringify(id)} needs one: "eval $(ssh-agent)" starts it, ssh-add adds the key`,
      });
    }),
  );
}

/** An argument without a value takes the environment's; where there is none it is left to the build file's default. */
function resolved(args: Environment, environment: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(args).map(([name, value]): [string, string | undefined] => [
    name,
    value ?? environment[name],
  ]);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
