import { resolve } from 'node:path';
import type { Build, Environment, Project, Service, Ulimit } from './model/project.ts';
import { projectLabels } from './plan/desired.ts';
import { defined } from './plan/host-config.ts';
import { labels } from './plan/labels.ts';
import { imageName } from './plan/names.ts';

export interface BakeOptions {
  readonly services: ReadonlySet<string>;
  readonly buildArgs: Environment;
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly push: boolean;
}

type Target = Readonly<Record<string, unknown>>;

/** The builds of a project as a bake file: `build --print`. JSON, in the words and the order of Docker Compose. */
export function renderBake(project: Project, options: BakeOptions): string {
  const built = Object.keys(project.services)
    .sort()
    .filter((name) => project.services[name]?.build);
  const targets = built.map((name): [string, Target] => [
    targetName(name),
    targetOf(project, project.services[name] as Service & { build: Build }, { ...options, name }),
  ]);
  const chosen = built.filter((name) => options.services.has(name)).map(targetName);
  return JSON.stringify({ group: { default: { targets: chosen } }, target: Object.fromEntries(targets) }, null, 2);
}

/** Bake takes no dots in names. */
const targetName = (service: string): string => service.replaceAll('.', '_');

function targetOf(
  project: Project,
  service: Service & { readonly build: Build },
  options: BakeOptions & { readonly name: string },
): Target {
  const { build } = service;
  const { name } = options;
  const { context = project.workingDirectory } = build;
  const args = assigned({ ...build.args, ...options.buildArgs }, project.environment);
  const ulimits = Object.entries(build.ulimits ?? {}).map(([key, limit]) => `${key}=${limitText(limit)}`);
  const platforms = build.platforms ?? (service.platform === undefined ? [] : [service.platform]);
  const hosts = Object.entries(build.extra_hosts ?? {}).map(([host, ips]) => [host, ips.join(',')]);
  return defined<Record<string, unknown>>({
    context,
    contexts: notEmpty(build.additional_contexts),
    dockerfile: build.dockerfile === undefined ? undefined : resolve(context, build.dockerfile),
    'dockerfile-inline': build.dockerfile_inline,
    args: notEmpty(args),
    labels: { ...sorted({ ...build.labels, ...projectLabels(project), [labels.service]: name }) },
    tags: [...(build.tags ?? []), imageName(project, name, service)],
    'cache-from': someOf(build.cache_from),
    'cache-to': someOf(build.cache_to),
    target: build.target,
    secret: someOf(build.secrets?.map((reference) => secretText(project, reference))),
    ssh: someOf(build.ssh?.map(({ id, path }) => `${id}=${path ?? ''}`)),
    platforms: someOf(platforms),
    pull: build.pull || options.pull || undefined,
    'no-cache': build.no_cache || options.noCache || undefined,
    network: build.network,
    'shm-size': build.shm_size === undefined ? undefined : String(build.shm_size),
    ulimits: someOf(ulimits),
    entitlements: someOf([...(build.entitlements ?? []), ...(build.privileged ? ['security.insecure'] : [])]),
    'extra-hosts': notEmpty(Object.fromEntries(hosts)),
    output: [options.push ? 'type=registry' : 'type=docker'],
    attest: someOf([...attestation('provenance', build.provenance), ...attestation('sbom', build.sbom)]),
  });
}

/** As Docker Compose writes it: nothing where it is off. */
function attestation(type: string, text: string | undefined): readonly string[] {
  if (text === undefined || text === 'false') return [];
  return [text === 'true' ? `type=${type}` : `type=${type},${text}`];
}

const limitText = (limit: Ulimit): string => ('single' in limit ? `${limit.single}` : `${limit.soft}:${limit.hard}`);
const someOf = <T>(list: readonly T[] | undefined): readonly T[] | undefined => (list?.length ? list : undefined);
const notEmpty = <T extends object>(map: T | undefined): T | undefined =>
  map && Object.keys(map).length > 0 ? map : undefined;
const sorted = (map: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));

/** An argument without a value anywhere is left to the build file's default. */
function assigned(args: Environment, environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(args).flatMap(([name, value]) => {
      const own = value ?? environment[name];
      return own === undefined ? [] : [[name, own]];
    }),
  );
}

function secretText(project: Project, { source, target }: { source: string; target?: string }): string {
  const { file, environment } = project.secrets[source] ?? {};
  const id = `id=${target ?? source}`;
  return environment === undefined ? `${id},type=file,src=${file ?? ''}` : `${id},type=env,env=${environment}`;
}
