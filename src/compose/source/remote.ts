import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseGitReference } from '../../common/git-reference.ts';
import { type Asked, isDirectory, type LoadContext } from './context.ts';
import { fileNames } from './file-names.ts';
import { type Fetched, isOci, isRemote, type Located } from './git-reference.ts';
import type { Node } from './node.ts';
import type { Path } from './report.ts';

/** The file that a reference names, fetched where it is remote. Undefined when it cannot be had (which was told). */
export async function locate(context: LoadContext, reference: string, asked: Asked): Promise<Located | undefined> {
  if (!isRemote(reference)) return { name: reference };
  const known = context.fetched.get(reference) ?? fetchFile(context, reference);
  context.fetched.set(reference, known);
  const result = await known;
  if (!('problem' in result)) return result;
  const code = result.unsupported ? 'COMPOSE_UNSUPPORTED' : 'COMPOSE_FILE_MISSING';
  context.report.error({ code, path: asked.path, message: result.problem, hint: result.hint, at: asked.at ?? [] });
  return undefined;
}

async function fetchFile(context: LoadContext, reference: string): Promise<Fetched> {
  if (isOci(reference)) return fetchArtifact(context, reference);
  const parsed = parseGitReference(reference);
  if (typeof parsed === 'string') return { problem: parsed, hint: 'write https://host/repo.git#ref:directory' };
  if (!context.fetchRemote)
    return { problem: `remote Compose files are not fetched here: ${reference}`, unsupported: true };
  const fetched = await context.fetchRemote(parsed);
  if ('problem' in fetched) return fetched;
  const root = realpathSync(fetched.directory);
  const target = join(root, parsed.path ?? '');
  if (!isWithin(root, target)) return { problem: `${reference} leads out of the repository` };
  if (!isDirectory(target)) {
    return existsSync(target)
      ? { name: target, root }
      : {
          problem: `${parsed.url} has no file ${parsed.path}`,
          hint: 'after the colon stands a path in the repository',
        };
  }
  const name = fileNames.map((one) => join(target, one)).find((one) => existsSync(one));
  if (name === undefined)
    return { problem: `${reference} has no Compose file`, hint: `looked for ${fileNames.join(', ')}` };
  return isWithin(root, name) ? { name, root } : { problem: `${reference} leads out of the repository` };
}

async function fetchArtifact(context: LoadContext, reference: string): Promise<Fetched> {
  if (!context.fetchOci)
    return { problem: `projects in registries are not fetched here: ${reference}`, unsupported: true };
  const fetched = await context.fetchOci(reference);
  if ('problem' in fetched) return fetched;
  const root = realpathSync(fetched.directory);
  return { name: join(root, 'compose.yaml'), root };
}

/** Whether a path, all links on the way resolved, lies in a directory; of what is not there, the part that is. */
export function isWithin(root: string, path: string): boolean {
  let there = path;
  let real: string | undefined;
  while (real === undefined) {
    try {
      real = realpathSync(there);
    } catch {
      if (dirname(there) === there) return false;
      there = dirname(there);
    }
  }
  const inside = (from: string, to: string) => {
    const way = relative(from, to);
    return way !== '..' && !way.startsWith('../');
  };
  return inside(root, real) && inside(root, path);
}

/**
 * Refuses a path that a remote file names and that leads out of its checkout: such a file may not read what is on this
 * machine. Paths in `directory`, where the files of this machine are, are allowed. True where the path may be used.
 */
export function mayUse(
  context: Pick<LoadContext, 'report'>,
  node: Node,
  used: { readonly target: string; readonly path: Path; readonly directory: string },
): boolean {
  const { root } = node.at.file;
  if (root === undefined || isWithin(root, used.target) || isWithin(used.directory, used.target)) return true;
  context.report.error({
    code: 'COMPOSE_VALUE',
    path: used.path,
    message: `a remote project cannot use files of this machine: ${used.target}`,
    hint: 'its paths must stay in its repository',
    at: [node.at],
  });
  return false;
}
