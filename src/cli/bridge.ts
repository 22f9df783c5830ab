import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerConfig } from '../api/types/container.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { bridgeImages, bridgeModel } from '../compose/bridge.ts';
import type { Project } from '../compose/model/project.ts';
import { deliveryEnvironment } from '../compose/plan/delivered-files.ts';
import { copyFromContainer } from './copy-from-container.ts';
import { ensureImage } from './ensure-image.ts';
import { runAttached } from './run-attached.ts';

/** The one that Docker ships: it makes manifests for Kubernetes. */
export const defaultTransformer = 'docker/compose-bridge-kubernetes';
export const transformerLabel = 'com.docker.compose.bridge=transformation';

export interface Conversion {
  readonly output: string;
  readonly templates: string | undefined;
  readonly transformations: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Runs transformers over a project, one after the other: each reads `/in/compose.yaml`, writes `/out`, and may read
 * `/templates`. The output directory is made anew. Resolves with the exit code of the first that fails, else 0.
 */
export async function convert(engine: EngineApi, project: Project, conversion: Conversion): Promise<number> {
  const { signal, templates } = conversion;
  const model = await modelOf(engine, project, signal);
  const output = resolve(conversion.output);
  refuseOwnFiles(output, project);
  const given = mkdtempSync(join(tmpdir(), 'iechor-bridge-'));
  try {
    writeFileSync(join(given, 'compose.yaml'), model, { mode: 0o600 });
    for (const image of conversion.transformations) await ensureImage(engine, image, { ...missing, signal });
    rmSync(output, { recursive: true, force: true });
    mkdirSync(output, { recursive: true });
    const binds = [`${given}:/in`, `${output}:/out`];
    if (templates !== undefined) binds.push(`${resolve(templates)}:/templates`);
    for (const image of conversion.transformations) {
      const code = await transform(engine, image, binds);
      if (code !== 0) return code;
    }
    return 0;
  } finally {
    rmSync(given, { recursive: true, force: true });
  }
}

const missing = { policy: 'missing', quiet: false } as const;

async function transform(engine: EngineApi, image: string, binds: readonly string[]): Promise<number> {
  const { Id } = await engine.containerCreate({
    body: {
      Image: image,
      Env: ['LICENSE_AGREEMENT=true'],
      User: String(process.getuid?.() ?? 0),
      HostConfig: { AutoRemove: true, Binds: [...binds] },
    },
  });
  const streams = ['stdout', 'stderr'];
  return runAttached(engine, Id, { tty: false, streams, autoRemove: true, signalProxy: true });
}

/** A directory that is emptied must be none that the project, or the user, is in. */
function refuseOwnFiles(output: string, project: Project): void {
  const kept = [process.cwd(), project.workingDirectory, ...project.composeFiles.map((path) => resolve(path))];
  const inside = kept.find((path) => !relative(output, path).startsWith('..'));
  if (inside === undefined) return;
  throw new IechorError('USAGE', `the output directory is made anew, and ${inside} lies in it`, {
    hint: 'name one for the output alone: --output out',
  });
}

async function modelOf(engine: EngineApi, project: Project, signal: AbortSignal): Promise<string> {
  const images = new Map<string, ContainerConfig>();
  for (const { image, isBuilt } of bridgeImages(project)) {
    if (!isBuilt) await ensureImage(engine, image, { ...missing, signal });
    const config = await configOf(engine, image, signal);
    if (config) images.set(image, config);
  }
  const environment = deliveryEnvironment(project);
  return bridgeModel(project, {
    images,
    read: (source) => {
      if ('file' in source) return readFileSync(source.file, 'utf8');
      return 'environment' in source ? (environment[source.environment] ?? '') : source.content;
    },
  });
}

async function configOf(engine: EngineApi, name: string, signal: AbortSignal): Promise<ContainerConfig | undefined> {
  try {
    return (await engine.imageInspect({ name, signal })).Config;
  } catch (error) {
    if (['IMAGE_NOT_FOUND', 'NOT_FOUND'].includes(codeOf(error) ?? '')) return undefined; // not built yet
    throw error;
  }
}

/** Writes the templates of a transformer into a directory, with a build file for a transformer of one's own. */
export async function createTransformer(
  engine: EngineApi,
  options: { readonly directory: string; readonly from: string; readonly signal: AbortSignal },
): Promise<string> {
  const { from, signal } = options;
  const directory = resolve(options.directory);
  if (existsSync(directory)) throw new IechorError('USAGE', `output folder ${directory} already exists`);
  await ensureImage(engine, from, { ...missing, signal });
  const { Id: id } = await engine.containerCreate({ body: { Image: from, Cmd: ['true'] } });
  try {
    mkdirSync(directory, { recursive: true });
    const target = join(directory, 'templates');
    await copyFromContainer(engine, { id, path: '/templates' }, { target, followLink: true, archive: false, signal });
    const base = from === defaultTransformer ? 'docker/compose-bridge-transformer' : from;
    writeFileSync(
      join(directory, 'Dockerfile'),
      `FROM ${base}\nLABEL ${transformerLabel}\nCOPY templates /templates\n`,
    );
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  } finally {
    await engine.containerRemove({ id, force: true });
  }
  return directory;
}
