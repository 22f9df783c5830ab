import type { EngineApi } from '../../api/engine-api.ts';
import type { DiskUsageReply, StorageReply } from '../../api/types/system.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatFlag } from '../../cli/list-flags.ts';
import { type Column, formatRows, type Row } from '../../cli/render/format.ts';
import { renderTable } from '../../cli/render/table.ts';
import { storageText } from '../../cli/storage-text.ts';
import { formatBytes } from '../../common/bytes.ts';
import { codeOf } from '../../common/error.ts';
import { shortId } from '../../common/id.ts';

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
    if (flags.format === 'json') return this.print(JSON.stringify(usage));
    for (const part of details(usage)) this.print(part);
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
  const share = size > 0 ? ` (${Math.floor((reclaimable / size) * 100)}%)` : '';
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: formatBytes(size),
    Reclaimable: `${formatBytes(reclaimable)}${share}`,
  };
}

function details({ Images, Containers, Volumes, BuildCache }: DiskUsageReply): string[] {
  const images = (Images ?? []).map((image) => [
    image.RepoTags[0] ?? '<none>',
    shortId(image.Id),
    ...[image.Size, image.SharedSize, image.Size - image.SharedSize].map(formatBytes),
    String(image.Containers),
  ]);
  const containers = (Containers ?? []).map(({ Id, Image, SizeRw, Status, Names }) => [
    shortId(Id),
    Image,
    formatBytes(SizeRw ?? 0),
    Status,
    Names[0]?.slice(1) ?? '',
  ]);
  const volumes = (Volumes ?? []).map(({ Name, UsageData: { RefCount, Size } }) => [
    Name,
    String(RefCount),
    formatBytes(Size),
  ]);
  const steps = (BuildCache ?? []).map(({ ID, Size, Shared, LastUsedAt, Description }) => [
    ID.slice(0, 12),
    formatBytes(Size),
    String(Shared),
    LastUsedAt ?? '',
    Description.split('\n')[0]?.slice(0, 60) ?? '',
  ]);
  return [
    'Images space usage:\n',
    renderTable(['IMAGE', 'IMAGE ID', 'SIZE', 'SHARED SIZE', 'UNIQUE SIZE', 'CONTAINERS'], images),
    '\nContainers space usage:\n',
    renderTable(['CONTAINER ID', 'IMAGE', 'SIZE', 'STATUS', 'NAMES'], containers),
    '\nLocal Volumes space usage:\n',
    renderTable(['VOLUME NAME', 'LINKS', 'SIZE'], volumes),
    '\nBuild cache usage:\n',
    renderTable(['CACHE ID', 'SIZE', 'SHARED', 'LAST USED', 'STEP'], steps),
  ];
}
