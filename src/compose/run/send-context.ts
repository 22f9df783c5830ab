import { Readable } from 'node:stream';
import type { EngineApi } from '../../api/engine-api.ts';
import type { ProgressMessage } from '../../api/types/image.ts';
import { codeOf, IechorError } from '../../common/error.ts';
import type { OpenContext } from '../../context/open-context.ts';

type BuildRequest = Omit<Parameters<EngineApi['imageBuild']>[0], 'body' | 'dockerfile' | 'localcontext'>;

/**
 * Builds from a context. Our own engine reads a directory where it is, if it sees the same one (it looks at the
 * inode); any other is sent the files.
 */
export async function* buildFrom(
  engine: EngineApi,
  context: OpenContext,
  request: BuildRequest,
): AsyncGenerator<ProgressMessage> {
  const { dockerfile, local } = context;
  const ours = await isOurs(engine, request.signal);
  if (local && ours) {
    let begun = false;
    try {
      const body = Readable.from([]);
      for await (const message of engine.imageBuild({ ...request, dockerfile, localcontext: local, body })) {
        begun = true;
        yield message;
      }
      return;
    } catch (error) {
      if (begun || codeOf(error) !== 'NOT_SUPPORTED') throw error;
    }
  }
  if ((request.buildcontexts || request.ssh) && !ours) {
    throw new IechorError('NOT_SUPPORTED', 'this engine takes neither further contexts nor SSH agents for a build', {
      hint: "build on iEchor's own engine",
    });
  }
  const body = context.tar;
  try {
    yield* engine.imageBuild({ ...(ours ? request : withoutOurs(request)), dockerfile, body });
  } finally {
    body.destroy();
  }
}

/** Other engines take from images they have; they neither write caches nor fetch them. */
function withoutOurs({ cacheimports, cacheexports, ...request }: BuildRequest): BuildRequest {
  const other = [...(cacheimports ?? []), ...(cacheexports ?? [])].find(({ type }) => type !== 'registry');
  if (cacheexports || other) {
    throw new IechorError('NOT_SUPPORTED', 'this engine takes and writes no caches by its classic builder', {
      hint: "build on iEchor's own engine",
    });
  }
  const cachefrom = cacheimports?.flatMap(({ attrs }) => attrs.ref ?? []);
  return { ...request, ...(cachefrom && { cachefrom }) };
}

async function isOurs(engine: EngineApi, signal: AbortSignal | undefined): Promise<boolean> {
  return (await engine.systemPing({ signal })).server.startsWith('iEchor');
}
