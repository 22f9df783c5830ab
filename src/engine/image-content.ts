import type { EngineApi } from '../api/engine-api.ts';
import type { ImageFile, SbomReply } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { version } from '../common/version.ts';
import { kindLetter, linkTarget, walkMerged } from '../image/merged-tree.ts';
import { cyclonedxOf } from '../image/sbom/cyclonedx.ts';
import { packagesOf } from '../image/sbom/packages.ts';
import { spdxOf } from '../image/sbom/spdx.ts';
import type { ImageRecord } from '../image/types.ts';
import type { EngineContext } from './context.ts';

const formats = { spdx: spdxOf, cyclonedx: cyclonedxOf } as const;

function layersOf({ snapshotter }: EngineContext, image: ImageRecord): readonly string[] {
  const top = image.chain.at(-1);
  return top === undefined ? [] : snapshotter.lowerDirs(top);
}

/** What software an image has, as an SPDX or CycloneDX document. */
export async function imageSbom(
  context: EngineContext,
  { name, format = 'spdx', signal }: Parameters<EngineApi['imageSbom']>[0],
): Promise<SbomReply> {
  if (!Object.hasOwn(formats, format)) {
    throw new IechorError('BAD_REQUEST', `unknown format ${JSON.stringify(format)}`, { hint: 'spdx or cyclonedx' });
  }
  const image = context.images.get(name);
  const inventory = await packagesOf(layersOf(context, image), signal);
  const subject = { name, id: image.id, createdAt: image.createdAt, version };
  return {
    document: formats[format as keyof typeof formats](subject, inventory),
    packages: inventory.packages.length,
    warnings: [...inventory.warnings],
  };
}

/** Files of an image whose path fits a pattern: `*` and `?` within a name, `**` over several; a bare name fits anywhere. */
export async function* imageFiles(
  context: EngineContext,
  { name, pattern, signal }: Parameters<EngineApi['imageFiles']>[0],
): AsyncGenerator<ImageFile> {
  const fits = pattern === undefined ? undefined : patternOf(pattern);
  for await (const entry of walkMerged(layersOf(context, context.images.get(name)), signal)) {
    const path = Buffer.from(entry.path, 'latin1').toString('utf8');
    if (fits && !fits.test(path)) continue;
    const { stat } = entry;
    const target = linkTarget(entry);
    yield {
      Path: `/${path}`,
      Type: kindLetter(stat),
      Mode: stat.mode & 0o7777,
      Uid: stat.uid,
      Gid: stat.gid,
      Size: stat.isFile() ? stat.size : 0,
      ModTime: new Date(stat.mtimeMs).toISOString(),
      Layer: entry.layer,
      ...(target !== undefined && { LinkTarget: target }),
    };
  }
}

function patternOf(text: string): RegExp {
  const plain = text.replace(/^\//, '');
  const source = plain
    .replace(/[.+^${}()|\\[\]]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (star) =>
      star === '?' ? '[^/]' : star === '*' ? '[^/]*' : star === '**' ? '.*' : '(?:.*/)?',
    );
  return new RegExp(text.includes('/') ? `^${source}$` : `(?:^|/)${source}$`, 's');
}
