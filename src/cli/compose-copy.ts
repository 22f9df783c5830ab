import { PassThrough } from 'node:stream';
import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import type { ObservedContainer } from '../compose/plan/observe.ts';
import { findContainers, type Target } from '../compose/state.ts';
import { copyBetween } from './copy-between.ts';
import { type CopyOptions, copyFromContainer } from './copy-from-container.ts';
import { copyToContainer } from './copy-to-container.ts';

/** `service:path`. */
export interface ServicePath {
  readonly service: string;
  readonly path: string;
}

/** Undefined for a path of the disk, which begins with `/` or `.` where it has a colon. */
export function servicePath(text: string): ServicePath | undefined {
  const at = text.indexOf(':');
  return at < 1 || /^[./]/.test(text) ? undefined : { service: text.slice(0, at), path: text.slice(at + 1) };
}

export interface ComposeCopy extends CopyOptions {
  readonly source: string;
  readonly target: string;
  readonly index?: number | undefined;
  /** One-off containers count too. */
  readonly oneoff: boolean;
  /** Say what would be copied instead of copying it. */
  readonly dryRun: boolean;
  readonly print: (text: string) => void;
}

/** Copies out of one container of a service, or into all of them (or the one of `index`). */
export async function composeCopy(engine: EngineApi, target: Target, copy: ComposeCopy): Promise<void> {
  const [from, to] = [servicePath(copy.source), servicePath(copy.target)];
  if (!from && !to) {
    throw new IechorError('USAGE', 'one of the two has to be in a service', { hint: 'write SERVICE:PATH' });
  }
  const sources = from && (await containersOf(engine, target, { ...copy, service: from.service }));
  const targets = to && (await containersOf(engine, target, { ...copy, service: to.service }));
  const source = sources?.[0];
  if (copy.dryRun) {
    const place = (container: ObservedContainer | undefined, own: ServicePath | undefined, other: string) =>
      container && own ? `${container.name}:${own.path}` : other;
    for (const end of targets ?? [undefined]) {
      copy.print(`would copy ${place(source, from, copy.source)} to ${place(end, to, copy.target)}`);
    }
    return;
  }
  if (from && source && to && targets) {
    for (const { id } of targets) {
      await copyBetween(engine, { id: source.id, path: from.path }, { ...copy, to: { id, path: to.path } });
    }
  } else if (from && source) {
    await copyFromContainer(engine, { id: source.id, path: from.path }, { ...copy, target: copy.target });
  } else if (to && targets) {
    await copyToAll(engine, targets, { ...copy, path: to.path });
  }
}

/** The containers a copy is about, running or not; at least one. Throws WRONG_STATE where there is none. */
async function containersOf(
  engine: EngineApi,
  target: Target,
  { service, index, oneoff, signal }: Pick<ComposeCopy, 'index' | 'oneoff' | 'signal'> & { readonly service: string },
): Promise<ObservedContainer[]> {
  const found = await findContainers(engine, target, { services: [service], oneoff, signal });
  const fitting = found.filter(({ number }) => index === undefined || number === index);
  if (fitting.length > 0) return fitting;
  const which = index === undefined ? 'no container' : `no container #${index}`;
  throw new IechorError('WRONG_STATE', `service ${service} has ${which}`, { hint: `create it: up -d ${service}` });
}

/** Into several at once: an archive from standard input can be read only once. */
async function copyToAll(
  engine: EngineApi,
  containers: readonly ObservedContainer[],
  copy: ComposeCopy & { readonly path: string },
): Promise<void> {
  const inputs = copy.source === '-' ? containers.map(() => process.stdin.pipe(new PassThrough())) : [];
  await Promise.all(
    containers.map(({ id }, at) => {
      const input = inputs[at];
      return copyToContainer(engine, copy.source, { ...copy, id, ...(input && { input }) });
    }),
  );
}
