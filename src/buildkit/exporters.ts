import type { MessageOf } from './grpc/protobuf.ts';
import type { exporter, solveRequest } from './messages/control.ts';
import type { Progress } from './progress.ts';
import { refused } from './refused.ts';

type SolveRequest = MessageOf<typeof solveRequest>;

/** Where the result goes. */
export interface Output {
  /** `local` and `tar`: the files of the image, to the client. */
  readonly type: 'image' | 'local' | 'tar';
  /** Names for the image, as the client gave them. */
  readonly names: readonly string[];
}

const outputTypes: Readonly<Record<string, Output['type']>> = {
  moby: 'image',
  image: 'image',
  local: 'local',
  tar: 'tar',
};

/** Reads what shall become of the result. Undefined: it is only built. Throws GrpcError for what is not supported. */
export function outputOf(request: SolveRequest): Output | undefined {
  const given = exportersOf(request);
  if (given.length > 1) throw refused('several outputs of one build');
  const [one] = given;
  if (!one) return undefined;
  const type = outputTypes[one.type];
  if (!type) throw refused(`the output type ${one.type}`);
  for (const [name, value] of one.attrs) checkAttribute(name, value);
  return { type, names: (one.attrs.get('name') ?? '').split(',').filter(Boolean) };
}

function exportersOf(request: SolveRequest): readonly MessageOf<typeof exporter>[] {
  if (request.exporters.length > 0 || request.exporterDeprecated === '') return request.exporters;
  return [{ type: request.exporterDeprecated, attrs: request.exporterAttrsDeprecated }];
}

/** `push` is carried out by the client, afterwards; compression is the registry's and archive's business. */
const harmless = [
  'name',
  'push',
  'unpack',
  'store',
  'load',
  'dangling-name-prefix',
  'name-canonical',
  'oci-mediatypes',
];

function checkAttribute(name: string, value: string): void {
  if (harmless.includes(name) || name.startsWith('compression') || value === 'false') return;
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
function fullName(name: string, server: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')) return name;
  const isHub = server.includes('index.docker.io');
  return `${isHub ? 'docker.io' : server}/${isHub && rest.length === 0 ? 'library/' : ''}${name}`;
}
