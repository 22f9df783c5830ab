import { resolve } from 'node:path';
import type { EngineApi } from '../../api/engine-api.ts';
import type { ProgressMessage } from '../../api/types/image.ts';
import type { StepOf } from '../plan/plan.ts';
import { readCaches } from './cache-entries.ts';
import { type DeliverOptions, readContent } from './deliver-files.ts';
import type { StepContext, StepResult } from './execute.ts';
import { followMessages } from './messages.ts';
import { buildFrom } from './send-context.ts';

/** Packs the context and has the engine build it. Throws BUILD_* as context and engine tell, with the service's name. */
export async function buildImage(
  engine: EngineApi,
  { service, build }: Pick<StepOf<'buildImage'>, 'service' | 'build'>,
  {
    context,
    environment,
  }: {
    readonly context: Pick<StepContext, 'signal' | 'kill' | 'report'>;
    readonly environment: DeliverOptions['environment'];
  },
): Promise<StepResult | undefined> {
  const { openContext } = await import('../../context/open-context.ts');
  const signal = AbortSignal.any([context.signal, context.kill]);
  const file = build.dockerfile === undefined ? undefined : resolve(build.context, build.dockerfile);
  const { beside, buildcontexts } = further(build);
  const opened = openContext(build.context, { file, text: build.inline, beside, signal });
  const secrets = await readSecrets(build.secrets, environment);
  const caches = {
    cacheimports: readCaches(build.cacheFrom, 'src'),
    cacheexports: readCaches(build.cacheTo, 'dest'),
  };
  const request = { ...build.options, ...secrets, ...caches, buildcontexts, steps: true, signal };
  const messages = buildFrom(engine, opened, request);
  const about = { fallback: 'BUILD_FAILED', about: `cannot build ${service}` } as const;
  const id = await followMessages(reporting(messages, context.report), () => {}, about);
  return id === undefined ? undefined : { imageId: id };
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

/** Directories travel beside the context, under names of their own. */
function further({ contexts = {} }: StepOf<'buildImage'>['build']) {
  const beside: Record<string, string> = {};
  const buildcontexts: Record<string, { image?: string; path?: string }> = {};
  for (const [index, [name, source]] of Object.entries(contexts).entries()) {
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
