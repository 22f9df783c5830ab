import { setTimeout } from 'node:timers/promises';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerStats } from '../api/types/stats.ts';
import { codeOf } from '../common/error.ts';
import { formatRows } from './render/format.ts';
import { statsColumns, statsRow } from './stats-rows.ts';

export interface ShowStats {
  /** Ids of the containers to show, asked for again each time: new ones join. */
  readonly which: () => Promise<readonly string[]>;
  readonly format?: string | undefined;
  readonly truncate: boolean;
  readonly signal: AbortSignal;
}

const clearScreen = '\x1b[H\x1b[J';

function textOf(samples: readonly ContainerStats[], { format, truncate }: ShowStats): string {
  return formatRows(
    samples.map((sample) => statsRow(sample, { truncate })),
    statsColumns,
    format,
  );
}

/** One sample of each container; empty where there is nothing to show. */
export async function statsOnce(engine: EngineApi, show: ShowStats): Promise<string> {
  const samples = await Promise.all((await show.which()).map((id) => firstSample(engine, id, show.signal)));
  return textOf(
    samples.filter((sample) => sample !== undefined),
    show,
  );
}

/** Shows samples on standard output, as they come, until `signal` aborts. */
export async function showStats(engine: EngineApi, show: ShowStats): Promise<void> {
  await follow(engine, show).catch((error: unknown) => {
    if (!show.signal.aborted) throw error; // An interrupt ends it as it should, whatever was being asked for.
  });
}

async function follow(engine: EngineApi, show: ShowStats): Promise<void> {
  const { signal } = show;
  const latest = new Map<string, ContainerStats>();
  const readers = new Map<string, AbortController>();
  const read = async (id: string) => {
    const reader = new AbortController();
    readers.set(id, reader);
    const either = AbortSignal.any([signal, reader.signal]);
    try {
      for await (const sample of engine.containerStats({ id, stream: true, signal: either })) latest.set(id, sample);
    } catch (error) {
      if (codeOf(error) !== 'CONTAINER_NOT_FOUND' && !either.aborted) throw error;
    }
    if (readers.get(id) !== reader) return;
    readers.delete(id);
    latest.delete(id);
  };
  const failure = new AbortController();
  let reason: unknown;
  const either = AbortSignal.any([signal, failure.signal]);
  while (!either.aborted) {
    const shown = await show.which();
    for (const [id, reader] of readers) if (!shown.includes(id)) reader.abort();
    for (const id of latest.keys()) if (!shown.includes(id)) latest.delete(id);
    for (const id of shown) {
      if (readers.has(id)) continue;
      read(id).catch((error: unknown) => {
        reason = error;
        failure.abort();
      });
    }
    await setTimeout(latest.size === 0 ? 200 : 1000, undefined, { signal: either }).catch(() => {});
    const text = textOf([...latest.values()], show);
    if (!either.aborted) process.stdout.write(`${process.stdout.isTTY ? clearScreen : ''}${text}\n`);
  }
  if (reason !== undefined) throw reason;
}

/** One sample with a former one to compare with; undefined where the container went meanwhile. */
async function firstSample(engine: EngineApi, id: string, signal: AbortSignal): Promise<ContainerStats | undefined> {
  for await (const sample of engine.containerStats({ id, stream: false, signal })) return sample;
  return undefined;
}
