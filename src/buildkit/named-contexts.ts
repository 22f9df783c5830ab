import { Readable } from 'node:stream';
import type { ClientContext } from '../api/session-build.ts';
import { readIgnorePatterns, type Taking, takeSmallFiles, treeArchive } from './client-files.ts';
import { lastOp, sourceOp } from './definition.ts';
import { refused } from './refused.ts';
import type { Inputs, SolveOptions } from './solve-options.ts';

/** The contexts beside the main one: the client's directories as archives, images by reference, results of other builds. */
export async function takeContexts(
  { contexts, inputs }: SolveOptions,
  taking: Taking,
): Promise<ReadonlyMap<string, ClientContext>> {
  const taken = new Map<string, ClientContext>();
  for (const [name, source] of contexts) {
    const [, scheme = '', rest = ''] = /^(local|docker-image|input):(?:\/\/)?(.*)$/.exec(source) ?? [];
    if (scheme === 'local') taken.set(name, { archive: await directory(name, rest, taking) });
    else if (scheme === 'docker-image') taken.set(name, { image: rest });
    else if (scheme === 'input') taken.set(name, { image: imageIn(rest, inputs) });
    else throw refused(`the named context ${name}=${source}`, 'a directory and docker-image:// can be given');
  }
  return taken;
}

async function directory(name: string, dir: string, taking: Taking): Promise<Readable> {
  const task = taking.progress.begin(`[context ${name}] load .dockerignore`);
  const names = ['.iechorignore', '.dockerignore'];
  const files = await takeSmallFiles({ dir, names, what: name, task }, taking);
  task.end();
  const ignore = files.get('.iechorignore') ?? files.get('.dockerignore');
  const exclude = readIgnorePatterns(ignore?.toString('utf8') ?? '');
  const title = `[context ${name}] load from client`;
  return Readable.from(treeArchive({ dir, exclude, extra: [], title, what: name, taking }), { objectMode: false });
}

/** The image that a definition of ours stands for. */
function imageIn(name: string, inputs: Inputs): string {
  const ops = inputs.get(name)?.def ?? [];
  const last = ops.at(-1);
  const source = ops.find((op) => op !== last);
  const identifier =
    source && last && lastOp.decode(last).inputs.length > 0 ? sourceOp.decode(source).source : undefined;
  const image = /^docker-image:\/\/(sha256:[0-9a-f]{64})$/.exec(identifier?.identifier ?? '')?.[1];
  if (image === undefined) throw refused(`the input ${name}, which is no result of this engine,`);
  return image;
}
