import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ByteStream } from '../api/streams.ts';
import type { BuildFile } from './build-errors.ts';
import { GrpcError, grpcCode } from './grpc/status.ts';
import { bytesMessage } from './messages/session.ts';
import type { Progress, Task } from './progress.ts';
import { receiveTree } from './receive-tree.ts';
import { isGit, remoteContext } from './remote-context.ts';
import type { ClientSession } from './sessions.ts';
import { refused } from './refused.ts';
import type { SolveOptions } from './solve-options.ts';
import { inBatches, tarEnd, tarEntry, tarFile } from './tar-writer.ts';

/** What a build takes from its client. */
export interface ClientFiles {
  readonly file: BuildFile | undefined;
  /** Name of the build file in the context, for the engine. */
  readonly dockerfile: string;
  readonly body: ByteStream;
  /** A repository that the engine fetches in place of the body. */
  readonly remote?: string;
  /** The item that loaded the build file: findings about the file are shown there. */
  readonly loading: Task;
}

export interface Taking {
  /** The build's session. */
  readonly session: ClientSession;
  /** The session that has a directory. */
  readonly sessionOf: (dir: string) => Promise<ClientSession>;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const maxBuildFileBytes = 4 << 20;

/** The build file and the context of a solve; the context as an archive that is read from the client as it is consumed. */
export async function takeFiles(options: SolveOptions, taking: Taking): Promise<ClientFiles> {
  if (options.remote !== undefined) return takeRemote(options.remote, options, taking);
  const found = await takeBuildFile(options, taking);
  const ignore = found.ignore ?? (await takeIgnoreFile(options, taking));
  const name = `.dockerfile.${randomBytes(10).toString('hex')}`;
  // The engine knows a build file from outside the context by this name, and learns the name people know.
  const rules = `# build file: ${found.file.name}\n${ignore ?? ''}`;
  const extra = [tarFile(name, found.file.text), tarFile(`${name}.dockerignore`, Buffer.from(rules))];
  const exclude = readIgnorePatterns(ignore ?? '');
  const title = '[internal] load build context';
  const body = Readable.from(
    treeArchive({ dir: options.contextName, exclude, extra, title, what: 'context', taking }),
    {
      objectMode: false,
    },
  );
  return { file: found.file, dockerfile: name, body, loading: found.loading };
}

async function takeRemote(url: string, options: SolveOptions, taking: Taking): Promise<ClientFiles> {
  const loading = taking.progress.begin('[internal] load remote build context');
  try {
    if (URL.parse(url)?.hostname === 'buildkit-session') {
      return { file: undefined, dockerfile: options.buildFile, body: upload(url, { ...taking, loading }), loading };
    }
    if (options.ownBuildFile) throw refused("a build file of one's own for a context at an address");
    if (isGit(url)) {
      loading.end();
      return { file: undefined, dockerfile: options.buildFile, remote: url, body: Readable.from([]), loading };
    }
    const body = await remoteContext(url, options.buildFile, taking.signal);
    loading.end();
    return { file: undefined, dockerfile: options.buildFile, body, loading };
  } catch (error) {
    loading.end({ error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function takeBuildFile(
  { buildFile, dockerfileName }: SolveOptions,
  taking: Taking,
): Promise<{ file: BuildFile; ignore: string | undefined; loading: Task }> {
  const task = taking.progress.begin(`[internal] load build definition from ${buildFile}`);
  // Clients name Docker's file where the user named none: then ours counts as well.
  const names = buildFile === 'Dockerfile' ? ['Dockerfile', 'dockerfile', 'iEchorfile', 'Containerfile'] : [buildFile];
  const wanted = names.flatMap((name) => [name, `${name}.dockerignore`, `${name}.iechorignore`]);
  try {
    const files = await takeSmallFiles({ dir: dockerfileName, names: wanted, what: 'dockerfile', task }, taking);
    const name = names.find((one) => files.has(one));
    const text = name === undefined ? undefined : files.get(name);
    if (name === undefined || text === undefined) {
      throw new GrpcError(grpcCode.unknown, `failed to read dockerfile: open ${buildFile}: no such file or directory`);
    }
    const ignore = files.get(`${name}.iechorignore`) ?? files.get(`${name}.dockerignore`);
    task.end();
    return { file: { name, text }, ignore: ignore?.toString('utf8'), loading: task };
  } catch (error) {
    task.end({ error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

async function takeIgnoreFile({ contextName }: SolveOptions, taking: Taking): Promise<string | undefined> {
  const task = taking.progress.begin('[internal] load .dockerignore');
  try {
    const names = ['.iechorignore', '.dockerignore'];
    const files = await takeSmallFiles({ dir: contextName, names, what: 'context', task }, taking);
    return (files.get('.iechorignore') ?? files.get('.dockerignore'))?.toString('utf8');
  } finally {
    task.end();
  }
}

/** Plain files at the root of a directory of the client, as far as they are there. */
export async function takeSmallFiles(
  { dir, names, what, task }: { dir: string; names: readonly string[]; what: string; task: Task },
  { sessionOf, signal }: Taking,
): Promise<Map<string, Buffer>> {
  const transfer = task.transfer(`transferring ${what}:`);
  const files = new Map<string, Buffer>();
  for await (const { stat, sizeBytes, content } of receiveTree(await sessionOf(dir), {
    dir,
    followPaths: names,
    signal,
    onBytes: transfer.add,
  })) {
    if (sizeBytes > maxBuildFileBytes) throw new GrpcError(grpcCode.resourceExhausted, `${stat.path} is too large`);
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    if (names.includes(stat.path)) files.set(stat.path, Buffer.concat(parts));
  }
  transfer.end();
  return files;
}

interface TreeArchive {
  readonly dir: string;
  readonly exclude: readonly string[];
  /** Entries to add at the end. */
  readonly extra: readonly Buffer[];
  readonly title: string;
  readonly what: string;
  readonly taking: Taking;
}

/** A directory of the client as an archive, read from the client as it is consumed. */
export function treeArchive(request: TreeArchive): AsyncGenerator<Uint8Array> {
  return inBatches(entriesOf(request));
}

async function* entriesOf({ dir, exclude, extra, title, what, taking }: TreeArchive): AsyncGenerator<Uint8Array> {
  const { sessionOf, signal, progress } = taking;
  const task = progress.begin(title);
  const transfer = task.transfer(`transferring ${what}:`);
  try {
    for await (const entry of receiveTree(await sessionOf(dir), { dir, exclude, signal, onBytes: transfer.add })) {
      yield* tarEntry(entry);
    }
    yield* extra;
    yield tarEnd;
    transfer.end();
    task.end();
  } finally {
    task.end({ error: 'the build context was not sent' });
  }
}

/** Patterns as the client takes them: without comments and spaces around; a leading slash means nothing. */
export function readIgnorePatterns(ignoreFile: string): string[] {
  const lines = ignoreFile.replace(/^\uFEFF/, '').split('\n');
  return lines
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const negated = line.startsWith('!');
      const path = (negated ? line.slice(1).trim() : line).replace(/^\/+(?=.)/, '').replace(/(?<=.)\/+$/, '');
      return negated ? `!${path}` : path;
    });
}

/** An archive that the client has on its standard input, under the URL it gave it. */
function upload(url: string, { session, signal, loading }: Taking & { readonly loading: Task }): ByteStream {
  const { host, pathname } = new URL(url);
  async function* pull(): AsyncGenerator<Uint8Array> {
    const channel = session.grpc.open({
      path: '/moby.upload.v1.Upload/Pull',
      sends: bytesMessage,
      receives: bytesMessage,
      headers: { urlpath: pathname, urlhost: host },
      signal,
    });
    try {
      for await (const { data } of channel.received) yield data;
      loading.end();
    } finally {
      loading.end({ error: 'the build context was not sent' });
      channel.cancel();
    }
  }
  return Readable.from(pull(), { objectMode: false });
}
