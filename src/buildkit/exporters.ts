import type { MessageOf } from './grpc/protobuf.ts';
import type { exporter, solveRequest } from './messages/control.ts';
import type { Progress } from './progress.ts';
import { refused } from './refused.ts';

type SolveRequest = MessageOf<typeof solveRequest>;

/** Where the result goes. */
export interface Output {
  /** `local` and `tar`: the files of the image, to the client. */
  readonly type: 'image' | 'local' | 'tar' | 'oci' | 'docker';
  readonly push: boolean;
  /** How layers are packed that are pushed or go into an image layout: `compression`, `compression-level`, `force-compression`. */
  readonly packing: Readonly<Record<string, string>>;
  /** By what they are put on. */
  readonly annotations: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Whether an image layout is an archive (true), or goes to a store of the client's. */
  readonly isArchive: boolean;
  /** `platform-split`: whether the files of each platform get a directory of their own; undefined: of several. */
  readonly isSplit: boolean | undefined;
  /** Names for the image, as the client gave them. */
  readonly names: readonly string[];
}

const outputTypes: Readonly<Record<string, Output['type']>> = {
  moby: 'image',
  image: 'image',
  local: 'local',
  tar: 'tar',
  oci: 'oci',
  docker: 'docker',
};

/** Reads what shall become of the result. Undefined: it is only built. Throws GrpcError for what is not supported. */
export function outputOf(request: SolveRequest): Output | undefined {
  const given = exportersOf(request);
  if (given.length > 1) throw refused('several outputs of one build');
  const [one] = given;
  if (!one) return undefined;
  const type = Object.hasOwn(outputTypes, one.type) ? outputTypes[one.type] : undefined;
  if (!type) throw refused(`the output type ${one.type}`);
  const isArchive = one.attrs.get('tar') !== 'false';
  if (!isArchive && type !== 'oci')
    throw refused(`an output of type ${type} that is no archive (tar=false)`, 'use type=oci');
  const push = one.attrs.get('push') === 'true';
  const packs = type === 'oci' || push;
  for (const [name, value] of one.attrs) checkAttribute({ type, packs }, name, value);
  return {
    type,
    names: (one.attrs.get('name') ?? '').split(',').filter(Boolean),
    push,
    isArchive,
    isSplit: type === 'local' ? switchOf(one.attrs.get('platform-split')) : undefined,
    packing: packs ? Object.fromEntries([...one.attrs].filter(([name]) => packingNames.includes(name))) : {},
    annotations: annotationsIn(one.attrs),
  };
}

const switchOf = (text: string | undefined): boolean | undefined => (text === undefined ? undefined : text !== 'false');

function exportersOf(request: SolveRequest): readonly MessageOf<typeof exporter>[] {
  if (request.exporters.length > 0 || request.exporterDeprecated === '') return request.exporters;
  return [{ type: request.exporterDeprecated, attrs: request.exporterAttrsDeprecated }];
}

/** `annotation.KEY`, `annotation-index.KEY`: on manifests, unless it says otherwise. */
function annotationsIn(attrs: ReadonlyMap<string, string>): Output['annotations'] {
  const found: Record<string, Record<string, string>> = {};
  for (const [name, value] of attrs) {
    const [, place = 'manifest', key = ''] = annotationName.exec(name) ?? [];
    if (key !== '') found[place] = { ...found[place], [key]: value };
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

const annotationName = /^annotation(?:-(manifest|index|manifest-descriptor))?\.(.+)$/s;

const packingNames = ['compression', 'compression-level', 'force-compression'];

const compressions = ['gzip', 'zstd', 'uncompressed'];

/** What holds anyway; times are never later than SOURCE_DATE_EPOCH. */
const harmless = [
  'name',
  'push',
  'unpack',
  'store',
  'load',
  'dangling-name-prefix',
  'name-canonical',
  'oci-mediatypes',
  'rewrite-timestamp',
];

function checkAttribute(
  { type, packs }: Pick<Output, 'type'> & { readonly packs: boolean },
  name: string,
  value: string,
): void {
  if (name === 'oci-mediatypes' && value === 'false' && packs)
    throw refused("an image in Docker's media types (oci-mediatypes=false)");
  if (
    (packingNames.includes(name) && packs && (name !== 'compression' || compressions.includes(value))) ||
    (name === 'compression' && value === 'gzip') ||
    harmless.includes(name) ||
    annotationName.test(name) ||
    (name === 'tar' && value === 'true') ||
    (name === 'platform-split' && type === 'local') ||
    value === 'false'
  )
    return;
  throw refused(`the output option ${name}=${value}`);
}

/** Shows the image as exported, and returns what the client is told of it. */
export function exportImage(
  image: string,
  { names }: Output,
  { progress, server }: { readonly progress: Progress; readonly server: string },
): ReadonlyMap<string, string> {
  const task = progress.begin('exporting to image');
  task.part('exporting layers')();
  task.part(`writing image ${image}`)();
  const full = names.map((name) => fullName(name, server));
  for (const name of full) task.part(`naming to ${name}`)();
  task.end();
  return new Map([
    ['containerimage.config.digest', image],
    ['containerimage.digest', image],
    ...(full.length > 0 ? [['image.name', full.join(',')] as const] : []),
  ]);
}

/** A reference with registry and path, its tag as it was given; `server` is the registry of names without one. */
export function fullName(name: string, server: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')) return name;
  const isHub = server.includes('index.docker.io');
  return `${isHub ? 'docker.io' : server}/${isHub && rest.length === 0 ? 'library/' : ''}${name}`;
}
