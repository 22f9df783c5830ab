import type { Roots } from '../common/roots.ts';
import { isFields, parseDocument, parseImageConfig } from './image-config.ts';
import type { ImageStore } from './image-port.ts';
import { requireSpace } from './space.ts';
import { archiveInvalid, type SpooledArchive } from './spooled-archive.ts';
import type { Digest, HistoryEntry, ImageRecord } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Names of images by what they are kept as in an archive from before Docker 1.10. */
const namesFile = 'repositories';

export const isLegacyArchive = (archive: SpooledArchive): boolean => archive.has(namesFile);

export interface LegacyOptions {
  readonly images: ImageStore;
  readonly roots: Roots;
  readonly onProgress?: (status: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface LegacyImage {
  readonly image: ImageRecord;
  readonly references: readonly string[];
}

/**
 * Loads the images of an archive that has a directory for every layer, with what the layer was made of and by (image
 * format 1): each with those below it as its parents, as Docker does. Throws ARCHIVE_INVALID.
 */
export async function loadLegacy(archive: SpooledArchive, options: LegacyOptions): Promise<readonly LegacyImage[]> {
  const named = namesIn(archive);
  const lineages = [...named.keys()].map((id) => lineageOf(archive, id));
  const ids = [...new Set(lineages.flat())];
  archive.expect(ids.map(layerOf));
  const needed = ids.reduce((sum, id) => sum + archive.sizeBytes(layerOf(id)), 0);
  requireSpace(options.roots.dataRoot, needed, 'loading the image');
  const made = new Map<string, ImageRecord>();
  for (const [index, id] of ids.entries()) {
    options.onProgress?.(`Loading layer ${index + 1} of ${ids.length}`);
    const { parent } = documentOf(archive, id);
    made.set(id, await makeImage(archive, { id, parent: made.get(String(parent ?? '')) }, options));
  }
  return [...named].flatMap(([id, references]) => {
    const image = made.get(id);
    return image ? [{ image, references }] : [];
  });
}

const layerOf = (id: string): string => `${id}/layer.tar`;
const documentOf = (archive: SpooledArchive, id: string): Fields => parseDocument(archive.read(`${id}/json`), id);

/** References by what they name. */
function namesIn(archive: SpooledArchive): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [name, tags] of Object.entries(parseDocument(archive.read(namesFile), namesFile))) {
    if (!isFields(tags)) throw archiveInvalid(`${namesFile} has no tags for ${JSON.stringify(name)}`);
    for (const [tag, id] of Object.entries(tags)) {
      if (typeof id !== 'string' || !/^[0-9a-f]{64}$/.test(id)) throw archiveInvalid(`invalid target ID: ${id}`);
      found.set(id, [...(found.get(id) ?? []), `${name}:${tag}`]);
    }
  }
  return found;
}

/** What an image was made of, the first layer first, and itself. */
function lineageOf(archive: SpooledArchive, id: string): readonly string[] {
  const found = new Set<string>();
  for (let at: unknown = id; at !== undefined && at !== ''; at = documentOf(archive, String(at)).parent) {
    if (typeof at !== 'string' || !/^[0-9a-f]{64}$/.test(at)) throw archiveInvalid(`${id} names no parent`);
    if (found.has(at)) throw archiveInvalid(`${at} is made of itself`);
    found.add(at);
  }
  return [...found].reverse();
}

async function makeImage(
  archive: SpooledArchive,
  { id, parent }: { readonly id: string; readonly parent: ImageRecord | undefined },
  { images, signal }: LegacyOptions,
): Promise<ImageRecord> {
  const document = documentOf(archive, id);
  const below = parent?.chain ?? [];
  const { chainId, diffId } = await images.addLayer(archive.layer(layerOf(id)), below.at(-1), signal);
  archive.drop(layerOf(id));
  const diffIds: readonly Digest[] = [...(parent?.config.rootfs.diff_ids ?? []), diffId];
  const history = [...(parent?.config.history ?? []), historyOf(document)];
  const rawConfig = Buffer.from(JSON.stringify(configOf(document, { diffIds, history })));
  const config = parseImageConfig(rawConfig, diffIds.length);
  return images.create(config, [...below, chainId], { rawConfig, ...(parent && { parent: parent.id }) });
}

const ofLayers: ReadonlySet<string> = new Set(['id', 'parent', 'Size', 'parent_id', 'layer_id', 'throwaway']);

/** The config in today's format, its fields in the order in which Docker writes them. */
function configOf(
  document: Fields,
  { diffIds, history }: { readonly diffIds: readonly Digest[]; readonly history: readonly HistoryEntry[] },
): Fields {
  const all = { ...document, history, rootfs: { type: 'layers', diff_ids: diffIds } };
  const kept = Object.entries(all).filter(([name]) => !ofLayers.has(name));
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function historyOf({ created, author, comment, container_config: container }: Fields): HistoryEntry {
  const command = isFields(container) && Array.isArray(container.Cmd) ? container.Cmd.map(String).join(' ') : '';
  return {
    ...(typeof created === 'string' && { created }),
    ...(typeof author === 'string' && author !== '' && { author }),
    ...(command !== '' && { created_by: command }),
    ...(typeof comment === 'string' && comment !== '' && { comment }),
  };
}
