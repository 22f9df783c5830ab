import { resolve } from 'node:path';
import type { EngineApi } from '../../api/engine-api.ts';
import type { ProgressMessage } from '../../api/types/image.ts';
import { IechorError } from '../../common/error.ts';
import { isGitAddress } from '../../common/git-reference.ts';
import type { OpenContext } from '../../context/open-context.ts';
import type { StepOf } from '../plan/plan.ts';
import type { BuildContexts } from '../session.ts';
import { readCaches } from './cache-entries.ts';
import { type DeliverOptions, readContent } from './deliver-files.ts';
import type { StepContext, StepResult } from './execute.ts';
import { followMessages } from './messages.ts';
import { buildFrom } from './send-context.ts';

export interface BuildInputs {
  readonly environment: DeliverOptions['environment'];
  readonly buildContexts?: BuildContexts | undefined;
}

/** Packs the context and has the engine build it. Throws BUILD_* as context and engine tell, with the service's name. */
export async function buildImage(
  engine: EngineApi,
  { service, build }: Pick<StepOf<'buildImage'>, 'service' | 'build'>,
  { context, ...inputs }: BuildInputs & { readonly context: Pick<StepContext, 'signal' | 'kill' | 'report'> },
): Promise<StepResult | undefined> {
  const signal = AbortSignal.any([context.signal, context.kill]);
  const messages = await buildMessages(engine, build, { ...inputs, signal });
  const about = { fallback: 'BUILD_FAILED', about: `cannot build ${service}` } as const;
  const id = await followMessages(reporting(messages, context.report), () => {}, about);
  // A stream that is cut off ends like any other.
  if (id === undefined) signal.throwIfAborted();
  return id === undefined ? undefined : { imageId: id };
}

/** What the engine says of a build, or with `call` of its file. Throws BUILD_* where the context cannot be read. */
export async function buildMessages(
  engine: EngineApi,
  build: Build,
  { environment, buildContexts, call, signal }: BuildInputs & { readonly call?: 'check'; readonly signal: AbortSignal },
): Promise<AsyncIterable<ProgressMessage>> {
  const { beside, buildcontexts } = await further(build, engine, buildContexts);
  const opened = await open(build, { beside, signal, buildContexts });
  const secrets = await readSecrets(build.secrets, environment);
  const caches = {
    cacheimports: readCaches(build.cacheFrom, 'src'),
    cacheexports: readCaches(build.cacheTo, 'dest'),
  };
  const ssh = build.options.ssh && buildContexts ? await buildContexts.agents(build.options.ssh) : build.options.ssh;
  const request = { ...build.options, ...secrets, ...caches, ssh, buildcontexts, steps: true, signal };
  return buildFrom(engine, opened, { ...request, ...(call && { call }) });
}

async function* reporting(
  messages: AsyncIterable<ProgressMessage>,
  report: StepContext['report'],
): AsyncGenerator<ProgressMessage> {
  for await (const message of messages) {
    report({ build: message });
    yield message;
  }
}

type Build = StepOf<'buildImage'>['build'];

/** What stands for no directory of this machine. */
const isElsewhere = (source: string): boolean => source.includes('://') || isGitAddress(source);

async function open(
  build: Build,
  options: {
    readonly beside: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
    readonly buildContexts: BuildContexts | undefined;
  },
): Promise<OpenContext> {
  const { context, dockerfile, inline: text } = build;
  const { buildContexts, ...more } = options;
  if (isElsewhere(context)) {
    // The name that is filled in where none is given: any of the default names will do.
    const file = dockerfile === 'Dockerfile' ? undefined : dockerfile;
    return elsewhere(buildContexts, context).open(context, { ...more, file, text });
  }
  const { openContext } = await import('../../context/open-context.ts');
  return openContext(context, {
    ...more,
    file: dockerfile === undefined ? undefined : resolve(context, dockerfile),
    text,
  });
}

function elsewhere(contexts: BuildContexts | undefined, source: string): BuildContexts {
  if (contexts) return contexts;
  throw new IechorError('NOT_SUPPORTED', `contexts that are fetched are not supported here: ${source}`);
}

/** Directories travel beside the context, under names of their own. */
async function further({ contexts = {} }: Build, engine: EngineApi, open: BuildContexts | undefined) {
  const beside: Record<string, string> = {};
  const buildcontexts: Record<string, { image?: string; path?: string; remote?: string }> = {};
  for (const [index, [name, given]] of Object.entries(contexts).entries()) {
    const isHere = !('directory' in given) || !isElsewhere(given.directory);
    const source = isHere ? given : await elsewhere(open, given.directory).named(name, given.directory, engine);
    const path = `.iechor-context-${index}`;
    if ('directory' in source) beside[path] = source.directory;
    buildcontexts[name] = 'directory' in source ? { path } : source;
  }
  return { beside, buildcontexts: Object.keys(buildcontexts).length > 0 ? buildcontexts : undefined };
}

async function readSecrets(
  secrets: StepOf<'buildImage'>['build']['secrets'],
  environment: DeliverOptions['environment'],
): Promise<{ secrets?: Record<string, string> }> {
  if (!secrets?.length) return {};
  const read = secrets.map(async ({ id, source }) => {
    const content = await readContent(source, `build secret ${id}`, environment);
    return [id, content.toString('base64')] as const;
  });
  return { secrets: Object.fromEntries(await Promise.all(read)) };
}
