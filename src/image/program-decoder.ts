import { once } from 'node:events';
import { spawnPiped } from '../host/stdio-pipes.ts';
import type { Compression } from './layer-tasks.ts';
import { invalid } from './tar-format.ts';

/** What Node has no decoder of. */
export type ProgramCompression = 'bzip2' | 'xz';

/** The host's own decoders, by absolute path; what an archive may make them use of memory is bounded. */
const programs: Readonly<Record<ProgramCompression, readonly [string, ...string[]]>> = {
  bzip2: ['/bin/bzip2', '-dc'],
  xz: ['/usr/bin/xz', '-dc', '--memlimit-decompress=256MiB'],
};

/** Whether this compression is undone by a program of the host, since Node has no decoder of it. */
export const isDecodedByProgram = (compression: Compression): compression is ProgramCompression =>
  compression in programs;

/**
 * What comes out of the host's decoder of a compression while the chunks go in; a chunk has been taken when the next
 * one is asked for. Throws ARCHIVE_INVALID on damaged data, HOST_COMMAND_FAILED where the program is not installed.
 */
export async function* decodedByProgram(
  compression: ProgramCompression,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const [command, ...args] = programs[compression];
  const { child, stdin, stdout, stderr } = spawnPiped({ command, args }, { stdin: true });
  stderr.resume();
  const fed = feed(stdin, chunks);
  // It is awaited at the end; until then its failure must not count as forgotten.
  fed.catch(() => stdout.destroy());
  try {
    for await (const bytes of stdout) yield bytes as Buffer;
    await fed;
    if ((await child.end) !== 0) throw invalid(`its ${compression} compression is damaged`);
  } finally {
    child.kill(9);
    for (const stream of [stdin, stdout, stderr]) stream?.destroy();
  }
}

/** Gives the program its input. One that ends early is judged by its exit status. */
async function feed(
  stdin: NonNullable<ReturnType<typeof spawnPiped>['stdin']> | undefined,
  chunks: AsyncIterable<Buffer>,
) {
  if (!stdin) return;
  stdin.on('error', () => {});
  for await (const chunk of chunks) {
    if (stdin.destroyed) return;
    // The chunk's memory is used again: it has to be out of our hands.
    if (!stdin.write(Buffer.from(chunk))) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  }
  stdin.end();
}
