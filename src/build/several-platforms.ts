import { formatReference, parseReference } from '../image/reference.ts';
import type { ImageStore } from '../image/image-port.ts';
import type { Digest } from '../image/types.ts';
import type { BuildRequest, DoneBuild } from './build-context.ts';
import type { BuildEvent, BuildStep, BuildSummary } from './events.ts';
import { createMeeting } from './shared-cache/meeting.ts';
import { formatPlatform, hostPlatform, parsePlatform } from './platform.ts';

export interface Building {
  readonly images: Pick<ImageStore, 'tag'>;
  /** Builds for one platform, as `Builder.build` does. */
  readonly build: (request: BuildRequest) => AsyncIterable<BuildEvent>;
}

/** Builds for one platform or several; a build file is the same for all, and described once. */
export function buildEach(request: BuildRequest, building: Building): AsyncIterable<BuildEvent> {
  const { platforms = [], call } = request;
  const [platform = request.platform] = platforms;
  if (platforms.length < 2 || call) return building.build({ ...request, platform });
  return buildPlatforms({ ...request, platforms }, building);
}

/**
 * Builds for several platforms side by side: steps are numbered through, and named by their platform. The names go to the
 * images together, that of this machine's platform first, when all are built, and caches are written as one; the first
 * failure ends all builds.
 */
async function* buildPlatforms(
  request: BuildRequest & { readonly platforms: readonly string[] },
  { images, build }: Building,
): AsyncGenerator<BuildEvent> {
  const { platforms } = request;
  const tags = (request.tags ?? []).map((tag) => formatReference(parseReference(tag)));
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  const numbers = createNumbers();
  const built = new Map<string, string>();
  const summaries: BuildSummary[] = [];
  const meeting = createMeeting<DoneBuild>(platforms.length);
  const running = platforms.map((platform) => build({ ...request, platform, tags: [], meeting, signal }));
  let failed = false;
  for await (const [at, event] of merged(running, stop)) {
    const platform = platforms[at] ?? '';
    const { aux, summary, ...more } = event;
    if (aux) built.set(platform, aux.ID);
    if (summary) summaries.push(ofPlatform(summary, platform));
    if (!aux && !summary) yield numbers.renumbered(more, platform);
    failed ||= event.error !== undefined;
    if (failed) return;
  }
  const ids = platforms.flatMap((platform) => built.get(platform) ?? []);
  const main = built.get(platforms.find(isHosts) ?? '') ?? ids[0];
  if (ids.length < platforms.length || main === undefined) return;
  for (const tag of tags) images.tag(main as Digest, tag, { others: ids.filter((id) => id !== main) as Digest[] });
  yield { stream: '', summary: summedUp(summaries) };
  // In the order that was asked for, not of their ends: an index of the same images has the same digest then.
  const byPlatform = Object.fromEntries(platforms.map((platform) => [platform, built.get(platform) ?? '']));
  yield { aux: { ID: main, Platforms: byPlatform } };
  for (const tag of request.tags ?? []) yield { stream: `Successfully tagged ${tag}\n` };
}

const isHosts = (platform: string): boolean =>
  formatPlatform(parsePlatform(platform)) === formatPlatform(hostPlatform());

/** Events with the number of their source, as they come. Leaving aborts `stop`, and waits for the sources to end. */
async function* merged(
  sources: readonly AsyncIterable<BuildEvent>[],
  stop: AbortController,
): AsyncGenerator<readonly [number, BuildEvent]> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const nextOf = async (at: number) => ({ at, result: await iterators[at]?.next() });
  const waiting = new Map(sources.map((_, at) => [at, nextOf(at)]));
  try {
    while (waiting.size > 0) {
      const { at, result } = await Promise.race(waiting.values());
      if (!result || result.done) {
        waiting.delete(at);
        continue;
      }
      waiting.set(at, nextOf(at));
      yield [at, result.value];
    }
  } finally {
    stop.abort();
    await Promise.allSettled(waiting.values());
    await Promise.allSettled(iterators.map(drained));
  }
}

async function drained(iterator: AsyncIterator<BuildEvent>): Promise<void> {
  while (!(await iterator.next()).done);
}

/** One numbering of steps for all platforms, in the order of starting. */
function createNumbers() {
  const numbers = new Map<string, number>();
  const totals = new Map<string, number>();
  const numberOf = (platform: string, step: number): number => {
    const key = `${platform} ${step}`;
    const number = numbers.get(key) ?? numbers.size + 1;
    numbers.set(key, number);
    return number;
  };
  const stepOf = (step: BuildStep, platform: string): BuildStep => {
    totals.set(platform, step.total);
    const total = [...totals.values()].reduce((sum, one) => sum + one, 0);
    const { inStage } = step;
    const stage = inStage?.alone ? platform : `${platform} ${step.stage}`;
    const place = inStage && { inStage: { ...inStage, alone: false } };
    return { ...step, step: numberOf(platform, step.step), total, stage, ...place };
  };
  return {
    renumbered(event: BuildEvent, platform: string): BuildEvent {
      const { iechor, derivation, stream } = event;
      if (derivation) {
        const step = numberOf(platform, derivation.step);
        return { ...event, derivation: { ...derivation, step, stage: `${platform} ${derivation.stage}` } };
      }
      if (!iechor) return event;
      const step = stepOf(iechor, platform);
      const line = stream?.replace(/^Step \d+\/\d+ : /, `Step ${step.step}/${step.total} : [${platform}] `);
      return { ...event, iechor: step, ...(line !== undefined && { stream: line }) };
    },
  };
}

function ofPlatform(summary: BuildSummary, platform: string): BuildSummary {
  return { ...summary, slowest: summary.slowest.map((step) => ({ ...step, stage: `${platform} ${step.stage}` })) };
}

function summedUp(summaries: readonly BuildSummary[]): BuildSummary {
  const sum = (of: (summary: BuildSummary) => number) => summaries.reduce((total, one) => total + of(one), 0);
  const slowest = summaries.flatMap((one) => one.slowest).sort((a, b) => b.ms - a.ms);
  const context = summaries.find((one) => one.context)?.context;
  return {
    ms: Math.max(...summaries.map(({ ms }) => ms)),
    cached: sum(({ cached }) => cached),
    made: sum(({ made }) => made),
    slowest: slowest.slice(0, Math.max(...summaries.map((one) => one.slowest.length))),
    ...(context && { context }),
  };
}
