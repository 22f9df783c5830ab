import { readFile } from 'node:fs/promises';
import { pack } from 'tar-stream';
import type { EngineApi } from '../../api/engine-api.ts';
import { codeOf, IechorError } from '../../common/error.ts';
import type { ContentSource, DeliveredFile } from '../plan/plan.ts';

export interface DeliverOptions {
  readonly files: readonly DeliveredFile[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Copies secrets and configs into a container that has not started, with owner and mode, in one archive. */
export async function deliverFiles(engine: EngineApi, id: string, options: DeliverOptions): Promise<void> {
  const { files, environment, signal } = options;
  const contents = await Promise.all(files.map(({ source, target }) => readContent(source, target, environment)));
  const archive = pack();
  for (const [at, file] of files.entries()) {
    const name = file.target.replace(/^\/+/, '');
    archive.entry({ name, uid: file.uid, gid: file.gid, mode: file.mode }, contents[at] ?? Buffer.alloc(0));
  }
  archive.finalize();
  const body = archive as unknown as import('node:stream').Readable;
  // Without copyUIDGID, which would give everything to the container's own user.
  await engine.containerArchivePut({ id, path: '/', beforeStart: true, body, signal });
}

/** The content of a secret or config that goes to `target`. Throws COMPOSE_INVALID where there is none. */
export async function readContent(
  source: ContentSource,
  target: string,
  environment: DeliverOptions['environment'],
): Promise<Buffer> {
  if ('content' in source) return Buffer.from(source.content);
  if ('environment' in source) {
    const value = environment[source.environment];
    if (value !== undefined) return Buffer.from(value);
    throw new IechorError(
      'COMPOSE_INVALID',
      `${target} takes its content from the variable ${source.environment}, which is not set`,
      {
        hint: `set ${source.environment} in the shell or in .env`,
      },
    );
  }
  try {
    return await readFile(source.file);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new IechorError(
      'COMPOSE_INVALID',
      `${target} takes its content from ${source.file}, which cannot be read (${codeOf(error)})`,
      { cause: error },
    );
  }
}
