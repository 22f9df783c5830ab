import { IechorError } from '../common/error.ts';
import type { Digest } from './types.ts';

/** A parsed image reference; `tag` is `latest` where the text has neither tag nor digest. */
export interface Reference {
  /** Registry host with its port; the default registry where the text names none. */
  readonly domain: string;
  /** Repository without the domain, `library/debian`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const hub = 'docker.io';
const officialPrefix = 'library/';
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const domainGrammar = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const componentGrammar = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const digestGrammar = /^sha256:[0-9a-f]{64}$/;
const longestName = 255;

/** The registry of names without a host, in this process. */
let defaultDomain = hub;

/** `docker.io`, unless this process was told otherwise. */
export const defaultRegistry = (): string => defaultDomain;

/**
 * Has names without a host belong to another registry from now on: what a process says once, at its start. Undefined and
 * '' are docker.io. Throws REFERENCE_INVALID for what is no `host[:port]`, or could be taken for a part of a path.
 */
export function setDefaultRegistry(host: string | undefined): void {
  const named = host || hub;
  if (!looksLikeHost(named) || !domainGrammar.test(named)) {
    throw new IechorError('REFERENCE_INVALID', `${JSON.stringify(named)} is no registry`, {
      hint: 'give a host with a dot or a port, such as registry.example or registry:5000, without a scheme',
    });
  }
  defaultDomain = named === `index.${hub}` ? hub : named;
}

/** Parses `[domain[:port]/]path[:tag][@digest]` as Docker does. Throws REFERENCE_INVALID with the reason. */
export function parseReference(text: string): Reference {
  const refuse = (reason: string, more = ''): never => {
    throw new IechorError('REFERENCE_INVALID', `invalid reference format${more}`, {
      hint: `${JSON.stringify(text.slice(0, 300))}: ${reason}, as in "debian:bookworm-slim" or "registry.example:5000/team/app:1.0"`,
    });
  };
  if (text === '') refuse('it is empty');
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(text)) refuse('64 hexadecimal digits are an image id, not a name');
  const [beforeDigest = '', digest, ...more] = text.split('@');
  if (more.length > 0) refuse('it has more than one "@"');
  if (digest !== undefined && !digestGrammar.test(digest)) {
    refuse('after "@" must come "sha256:" and 64 lower-case hexadecimal digits');
  }
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const tag = hasTag ? beforeDigest.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagGrammar.test(tag)) {
    refuse('a tag has 1 to 128 letters, digits, "_", "." or "-", and starts with neither "." nor "-"');
  }
  const { domain, path } = splitDomain(hasTag ? beforeDigest.slice(0, colon) : beforeDigest);
  if (!domainGrammar.test(domain)) refuse(`${JSON.stringify(domain)} is no registry host`);
  if (path === '') refuse('it names no repository');
  if (path !== path.toLowerCase()) {
    refuse('a repository name must be lower case', `: repository name (${path}) must be lowercase`);
  }
  if (!path.split('/').every((part) => componentGrammar.test(part))) {
    refuse('the parts of a repository name are lower-case letters and digits, joined by ".", "_", "__" or "-"');
  }
  if (domain.length + 1 + path.length > longestName) refuse(`the name is longer than ${longestName} characters`);
  if (digest !== undefined) return { domain, path, ...(tag !== undefined && { tag }), digest: digest as Digest };
  return { domain, path, tag: tag ?? 'latest' };
}

/** A name with a tag given beside it, which stands for the one in the name. Throws REFERENCE_INVALID, for a digest, too. */
export function taggedReference(name: string, tag: string | undefined): Reference {
  const { domain, path, ...rest } = parseReference(name);
  if (!tag) return { domain, path, ...rest };
  const refused = rest.digest !== undefined ? 'cannot import digest reference' : 'invalid tag format';
  if (rest.digest === undefined && tagGrammar.test(tag)) return { domain, path, tag };
  throw new IechorError('REFERENCE_INVALID', refused, {
    hint: 'write repository:tag, as in "registry.example/team/app:1.0"',
  });
}

/** The first part is a registry where it looks like a host. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  if (slash === 0) return { domain: '', path: name.slice(1) };
  const first = name.slice(0, slash);
  const isHost = slash > 0 && looksLikeHost(first);
  const domain = isHost ? first : defaultDomain;
  const path = isHost ? name.slice(slash + 1) : name;
  if (domain !== hub && domain !== `index.${hub}`) return { domain, path };
  return { domain: hub, path: path.includes('/') || path === '' ? path : `${officialPrefix}${path}` };
}

/** A dot, a port, upper case, or `localhost`. */
function looksLikeHost(text: string): boolean {
  return /[.:]/.test(text) || text === 'localhost' || text !== text.toLowerCase();
}

/** `docker.io/library/debian`. */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The one spelling of a reference: `docker.io/library/debian:bookworm-slim`. */
export function formatReference(reference: Reference): string {
  const { tag, digest } = reference;
  return `${repositoryOf(reference)}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/** How people write it: without the default registry and docker.io's `library/`. Takes a canonical reference or repository. */
export function familiar(canonical: string): string {
  if (!canonical.startsWith(`${defaultDomain}/`)) return canonical;
  const rest = canonical.slice(defaultDomain.length + 1);
  const short = defaultDomain === hub && rest.startsWith(officialPrefix) ? rest.slice(officialPrefix.length) : rest;
  const familiarOne = short.includes('/') && short !== rest ? rest : short;
  const slash = familiarOne.indexOf('/');
  return slash > 0 && looksLikeHost(familiarOne.slice(0, slash)) ? canonical : familiarOne;
}
