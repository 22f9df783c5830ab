import { join } from 'node:path';
import { Readable } from 'node:stream';
import { IechorError } from '../common/error.ts';
import { isGitAddress } from '../common/git-reference.ts';
import { archiveOrText, fetchContext } from '../context/archive-or-text.ts';
import { type OpenContext, openContext } from '../context/open-context.ts';
import { emptyDirectory, fetchRepository } from './build-inputs.ts';

/**
 * The context that `build` was given: a directory, a git repository, the address of an archive or build file, or `-` for
 * an archive (or a lone build file) on standard input. Throws BUILD_CONTEXT, BUILD_FILE_MISSING, USAGE.
 */
export async function openBuildContext(
  context: string,
  options: {
    readonly file: string | undefined;
    readonly text: string | undefined;
    /** Whether `.git` of a repository belongs to the context. */
    readonly keepGitDir?: boolean;
    readonly beside?: Readonly<Record<string, string>>;
    /** Socket of the agent that repositories are fetched with by ssh; default: the user's own. */
    readonly sshAgent?: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<OpenContext> {
  if (isGitAddress(context)) {
    const { keepGitDir = false, sshAgent } = options;
    return openRepository(await fetchRepository(context, { keepGitDir, sshAgent }), options);
  }
  if (/^https?:\/\//.test(context)) return openStream(await fetchContext(context, options.signal), context, options);
  if (context !== '-')
    return openContext(context, { ...options, file: options.text === undefined ? options.file : undefined });
  if (options.text !== undefined)
    throw new IechorError('USAGE', 'context and build file cannot both be standard input');
  return openStream(process.stdin, 'standard input', options);
}

type Options = Parameters<typeof openBuildContext>[1];

/** Build files are named from the repository's own directory. */
function openRepository(directory: string, { file, ...options }: Options): OpenContext {
  return openContext(directory, { ...options, ...(file !== undefined && { file: join(directory, file) }) });
}

async function openStream(input: AsyncIterable<Uint8Array>, shown: string, options: Options): Promise<OpenContext> {
  const found = await archiveOrText(input, shown);
  if ('text' in found) {
    const empty = emptyDirectory();
    const { dockerfile, tar } = openContext(empty.path, { ...options, file: undefined, text: String(found.text) });
    tar.once('close', empty.remove);
    return { dockerfile, tar };
  }
  if (Object.keys(options.beside ?? {}).length > 0) {
    throw new IechorError('NOT_SUPPORTED', `directories beside the archive from ${shown} are not supported`, {
      hint: 'unpack it, and name its directory',
    });
  }
  return { dockerfile: options.file ?? '', tar: Readable.from(found.archive) };
}
