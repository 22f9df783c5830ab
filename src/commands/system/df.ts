import type { EngineApi } from '../../api/engine-api.ts';
import type { DiskUsageReply, StorageReply } from '../../api/types/system.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { diskUsageRows, diskUsageText } from '../../cli/disk-usage-rows.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { type Column, formatRows, formatValue, type Row } from '../../cli/render/format.ts';
import { storageText } from '../../cli/storage-text.ts';
import { formatBytes } from '../../common/bytes.ts';
import { codeOf } from '../../common/error.ts';

const columns: readonly Column[] = [
  { title: 'TYPE', field: 'Type' },
  { title: 'TOTAL', field: 'TotalCount' },
  { title: 'ACTIVE', field: 'Active' },
  { title: 'SIZE', field: 'Size' },
  { title: 'RECLAIMABLE', field: 'Reclaimable' },
];

export default class Df extends BaseCommand {
  static override summary = 'Show what lies on the disk';
  static override flags = {
    format: formatFlag,
    verbose: Flags.boolean({ char: 'v', summary: 'Each image, container, volume and build step' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Df);
    const usage = await (await this.engine()).systemDiskUsage({ signal: this.signal });
    if (!flags.verbose) return this.print(formatRows(summaryRows(usage), columns, flags.format));
    const rows = diskUsageRows(usage, { now: Date.now(), truncate: flags.format === undefined });
    if (flags.format !== undefined) return this.print(formatValue(rows, flags.format, { strict: true }));
    const cached = (usage.BuildCache ?? []).reduce((total, { Size }) => total + Size, 0);
    this.print(diskUsageText(rows, cached));
    const storage = await storageOf(await this.engine(), this.signal);
    if (storage) this.print(`\nData root usage:\n\n${storageText(storage)}`);
  }
}

/** What the data root holds; undefined with an engine that does not tell. */
async function storageOf(engine: EngineApi, signal: AbortSignal): Promise<StorageReply | undefined> {
  try {
    return await engine.systemStorage({ signal });
  } catch (error) {
    if (['NOT_FOUND', 'NOT_SUPPORTED'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function summaryRows(usage: DiskUsageReply): Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const cache = (usage.BuildCache ?? []).filter((step) => !step.Shared);
  const usedImages = images.filter((image) => image.Containers > 0);
  const running = containers.filter(({ State }) => ['running', 'paused', 'restarting'].includes(State));
  const usedVolumes = volumes.filter(({ UsageData }) => UsageData.RefCount > 0);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const inImages = sum(usedImages.map((image) => image.Size - image.SharedSize));
  const written = (of: typeof containers) => sum(of.map(({ SizeRw }) => SizeRw ?? 0));
  const stored = (of: typeof volumes) => sum(of.map(({ UsageData }) => UsageData.Size));
  const cached = sum(cache.map(({ Size }) => Size));
  return [
    row('Images', [images.length, usedImages.length], usage.LayersSize, usage.LayersSize - inImages),
    row('Containers', [containers.length, running.length], written(containers), written(containers) - written(running)),
    row('Local Volumes', [volumes.length, usedVolumes.length], stored(volumes), stored(volumes) - stored(usedVolumes)),
    row('Build Cache', [usage.BuildCache?.length ?? 0, 0], cached, cached),
  ];
}

function row(type: string, [total, active]: readonly [number, number], size: number, reclaimable: number): Row {
  const share = size > 0 && reclaimable > 0 ? ` (${Math.floor((reclaimable / size) * 100)}%)` : '';
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: formatBytes(size),
    Reclaimable: `${formatBytes(reclaimable)}${share}`,
  };
}
