import type { EngineApi } from '../api/engine-api.ts';
import { IechorError, isIechorError, messageOf } from '../common/error.ts';
import { toJson } from './model/json-text.ts';
import type { Form, Printable } from './model/printable.ts';
import type { Project } from './model/project.ts';
import { toYaml } from './model/yaml-text.ts';
import type { Origins } from './source/origins.ts';

/**
 * The project with every image pinned to the digest that its registry has for it now (`config
 * --resolve-image-digests`); what is pinned stays. Throws what the engine says for the first that cannot be had, with
 * the place of the image. `defaultRegistry` says where the engine gets names without a host from.
 */
export async function pinImages(
  engine: EngineApi,
  { project, origins }: { readonly project: Project; readonly origins: Origins },
  options: { readonly signal: AbortSignal; readonly defaultRegistry: () => Promise<string> },
): Promise<Project> {
  const digests = new Map<string, Promise<string>>();
  const digestOf = (image: string) => {
    const known =
      digests.get(image) ?? engine.distributionInspect({ name: image, signal: options.signal }).then(digestIn);
    digests.set(image, known);
    return known;
  };
  const services = Object.create(null) as Record<string, Project['services'][string]>;
  for (const [name, service] of Object.entries(project.services)) {
    const { image } = service;
    if (image === undefined) services[name] = service;
    else {
      const { repository, tag, digest } = await canonicalImage(image, options.defaultRegistry);
      const pinned =
        digest ??
        (await digestOf(image).catch((error: unknown) => Promise.reject(unresolved(error, image, name, origins))));
      const tagged = digest === undefined ? `${repository}:${tag}` : repository;
      services[name] = { ...service, image: `${tagged}@${pinned}` };
    }
  }
  return { ...project, services };
}

const digestIn = ({ Descriptor }: { readonly Descriptor: { readonly digest: string } }): string => Descriptor.digest;

function unresolved(error: unknown, image: string, service: string, origins: Origins): unknown {
  if (!isIechorError(error)) return error;
  return new IechorError(error.code, `failed to resolve digest for ${image}: ${messageOf(error)}`, {
    hint: error.hint,
    at: origins.spans(['services', service, 'image']).slice(0, 1),
    cause: error,
  });
}

/** An image's name in full: with registry, docker.io's `library/` and tag. */
async function canonicalImage(
  image: string,
  defaultRegistry: () => Promise<string>,
): Promise<{ repository: string; tag: string; digest: string | undefined }> {
  const [named = '', digest] = image.split('@', 2);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const name = tagged ? named.slice(0, colon) : named;
  const [first = '', ...rest] = name.split('/');
  const hasDomain = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = hasDomain ? first.replace(/^index\.docker\.io$/, 'docker.io') : await defaultRegistry();
  const path = hasDomain ? rest.join('/') : name;
  const official = domain === 'docker.io' && !path.includes('/') ? 'library/' : '';
  return { repository: `${domain}/${official}${path}`, tag: tagged ? named.slice(colon + 1) : 'latest', digest };
}

/** An override file that pins the images of a project and says nothing else (`config --lock-image-digests`). */
export function renderLock(project: Project, form: Form): string {
  const services = new Map<string, Printable>();
  for (const [name, { image }] of Object.entries(project.services)) {
    const unset: [string, Printable][] = ['command', 'entrypoint'].map((key) => [key, null]);
    services.set(
      name,
      new Map([...(form === 'json' ? unset : []), ...(image === undefined ? [] : [['image', image] as const])]),
    );
  }
  if (form === 'yaml') return toYaml(new Map([['services', services]]));
  return toJson(
    new Map<string, Printable>([
      ['name', ''],
      ['services', services],
    ]),
  );
}
