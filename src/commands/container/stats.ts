import { setTimeout } from 'node:timers/promises';
import type { EngineApi } from '../../api/engine-api.ts';
import type { ContainerStats } from '../../api/types/stats.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatRows } from '../../cli/render/format.ts';
import { statsColumns, statsRow } from '../../cli/stats-rows.ts';
import { codeOf } from '../../common/error.ts';

const clearScreen = '\x1b[H\x1b[J';

export default class Stats extends BaseCommand {
  static override summary = 'Show what containers use, as it changes';
  static override synopsis = '[OPTIONS] [CONTAINER...]';
  static override strict = false;
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Also containers that do not run' }),
    format: Flags.string({ summary: 'table, json, or a Go template' }),
    'no-stream': Flags.boolean({ summary: 'Show it once and end' }),
    'no-trunc': Flags.boolean({ summary: 'Do not shorten ids' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Stats);
    const engine = await this.engine();
    const asked = argv as string[];
    const { signal } = this;
    const text = (samples: readonly ContainerStats[]) =>
      formatRows(
        samples.map((sample) => statsRow(sample, { truncate: !flags['no-trunc'] })),
        statsColumns,
        flags.format,
      );
    const named = async () =>
      asked.length > 0 ? asked : (await engine.containerList({ all: flags.all, signal })).map(({ Id }) => Id);
    if (flags['no-stream']) {
      const samples = await Promise.all((await named()).map((id) => firstSample(engine, id, signal)));
      const shown = text(samples.filter((sample) => sample !== undefined));
      if (shown) this.print(shown);
      return;
    }
    // A name that does not exist is said before anything is shown.
    for (const id of asked) await engine.containerInspect({ id, signal });
    await this.#show(engine, named, text).catch((error: unknown) => {
      if (!signal.aborted) throw error; // An interrupt ends it as it should, whatever was being asked for.
    });
  }

  async #show(
    engine: EngineApi,
    named: () => Promise<readonly string[]>,
    text: (samples: readonly ContainerStats[]) => string,
  ): Promise<void> {
    const { signal } = this;
    const latest = new Map<string, ContainerStats | undefined>();
    const follow = async (id: string) => {
      latest.set(id, undefined);
      try {
        for await (const sample of engine.containerStats({ id, stream: true, signal })) latest.set(id, sample);
      } catch (error) {
        if (codeOf(error) !== 'CONTAINER_NOT_FOUND' && !signal.aborted) throw error;
      }
      latest.delete(id);
    };
    const failure = new AbortController();
    let reason: unknown;
    const either = AbortSignal.any([signal, failure.signal]);
    while (!either.aborted) {
      for (const id of await named()) {
        if (latest.has(id)) continue;
        follow(id).catch((error: unknown) => {
          reason = error;
          failure.abort();
        });
      }
      await setTimeout(latest.size === 0 ? 200 : 1000, undefined, { signal: either }).catch(() => {});
      const samples = [...latest.values()].filter((sample) => sample !== undefined);
      if (!either.aborted) this.print(`${process.stdout.isTTY ? clearScreen : ''}${text(samples)}`);
    }
    if (reason !== undefined) throw reason;
  }
}

/** One sample with a former one to compare with; undefined where the container went meanwhile. */
async function firstSample(engine: EngineApi, id: string, signal: AbortSignal): Promise<ContainerStats | undefined> {
  for await (const sample of engine.containerStats({ id, stream: false, signal })) return sample;
  return undefined;
}
