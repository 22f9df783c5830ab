import { existsSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { BuildOptions } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { isGitAddress, parseGitReference } from '../common/git-reference.ts';
import { packContext } from '../context/pack.ts';
import { fetchRemote } from './fetch-remote.ts';
import { printProgress } from './progress-stream.ts';

export interface NamedContexts {
  /** Directories by the name they get in the archive. */
  readonly beside: Readonly<Record<string, string>>;
  readonly request: NonNullable<BuildOptions['buildcontexts']>;
}

/**
 * What `--build-context NAME=SOURCE` names: a directory, a git repository, an archive on the web, an image
 * (`docker-image://`), an image layout (`oci-layout://DIRECTORY[:TAG]`, loaded into the engine). Throws USAGE, BUILD_CONTEXT.
 */
export async function readNamedContexts(
  entries: readonly string[] | undefined,
  engine: () => Promise<EngineApi>,
): Promise<NamedContexts> {
  const beside: Record<string, string> = {};
  const request: Record<string, { image?: string; path?: string; remote?: string }> = {};
  for (const [index, entry] of (entries ?? []).entries()) {
    const at = entry.indexOf('=');
    const [name, source] = [entry.slice(0, at), entry.slice(at + 1)];
    if (at < 1 || source === '') {
      throw new IechorError('USAGE', `${JSON.stringify(entry)} is no named context`, { hint: 'NAME=SOURCE' });
    }
    const found = await readSource(name, source, engine);
    if ('image' in found || 'remote' in found) {
      request[name] = found;
      continue;
    }
    const path = `.iechor-context-${index}`;
    beside[path] = found.directory;
    request[name] = { path };
  }
  return { beside, request };
}

/** What one further context stands for: a directory, an image, or an address that the engine fetches. */
export async function readSource(
  name: string,
  source: string,
  engine: () => Promise<EngineApi>,
): Promise<{ image: string } | { directory: string } | { remote: string }> {
  if (source.startsWith('docker-image://')) return { image: source.slice('docker-image://'.length) };
  if (source.startsWith('oci-layout://')) return { image: await loadLayout(source, await engine()) };
  if (isGitAddress(source)) return { directory: await fetchRepository(source) };
  if (/^https?:\/\//.test(source)) return { remote: source };
  if (/^[a-z][a-z0-9+.-]*:/.test(source)) {
    throw new IechorError('NOT_SUPPORTED', `the context ${name}=${source} is not supported`, {
      hint: 'name a directory, a git repository, docker-image://NAME or oci-layout://DIRECTORY',
    });
  }
  const directory = resolve(source);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new IechorError('BUILD_CONTEXT', `the context ${name} is not a directory: ${source}`);
  }
  return { directory };
}

async function loadLayout(source: string, engine: EngineApi): Promise<string> {
  const directory = resolve(
    source.slice('oci-layout://'.length).replace(/(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][\w.-]*)$/, ''),
  );
  if (!statSync(join(directory, 'oci-layout'), { throwIfNoEntry: false })?.isFile()) {
    throw new IechorError('BUILD_CONTEXT', `there is no image layout in ${directory}`);
  }
  let loaded = '';
  const note = async function* () {
    for await (const message of engine.imagesLoad({
      body: packContext(directory, { ignoreFile: noRules }),
      quiet: true,
    })) {
      loaded = /^Loaded image(?: ID)?: (.+)$/m.exec(message.stream ?? '')?.[1] ?? loaded;
      yield message;
    }
  };
  await printProgress(note(), { sink: undefined });
  if (loaded === '') throw new IechorError('BUILD_CONTEXT', `the layout in ${directory} holds no image`);
  return loaded;
}

const noRules = { name: '.iechorignore', text: '' };

/** The directory of `URL#ref:directory`, fetched by the host's git with its submodules. Throws BUILD_CONTEXT. */
export async function fetchRepository(
  reference: string,
  { sshAgent, ...options }: { readonly keepGitDir?: boolean; readonly sshAgent?: string | undefined } = {},
): Promise<string> {
  const parsed = parseGitReference(reference);
  if (typeof parsed === 'string') throw new IechorError('BUILD_CONTEXT', parsed);
  const answer = await fetchRemote({ submodules: true, ...options, ...parsed }, { sshAgent });
  if ('problem' in answer) throw new IechorError('BUILD_CONTEXT', answer.problem, { hint: answer.hint });
  if (parsed.path === undefined) return answer.directory;
  const root = realpathSync(answer.directory);
  const place = join(root, parsed.path);
  // What the repository links to is not part of it.
  if (existsSync(place) && !`${realpathSync(place)}/`.startsWith(`${root}/`)) {
    throw new IechorError('BUILD_CONTEXT', `"${parsed.path}" leads out of the repository`);
  }
  return place;
}

/** A directory that is empty, and gone when the archive of it was sent. */
export function emptyDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'iechor-context-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
