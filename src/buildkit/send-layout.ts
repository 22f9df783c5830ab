import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import type { ClientContent } from '../api/session-build.ts';
import type { ByteStream } from '../api/streams.ts';
import type { Progress } from './progress.ts';

/**
 * Gives the content of an image layout, an archive of ours, to a store of the client (`--output type=oci,tar=false`), which
 * writes the index itself: resolves with what it is to list there, as JSON.
 */
export async function sendLayout(
  archive: ByteStream,
  content: ClientContent,
  { progress }: { readonly progress: Progress },
): Promise<string> {
  const task = progress.begin('exporting to client content store');
  let index = '{}';
  try {
    const entries = archive.pipe(extract());
    archive.once('error', (error) => entries.destroy(error));
    for await (const entry of entries) {
      const { name, size = 0 } = entry.header;
      const [, hex] = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name) ?? [];
      if (hex !== undefined) await content.write({ digest: `sha256:${hex}`, size }, async () => Readable.from(entry));
      else if (name === 'index.json') index = (await buffer(entry)).toString();
      // What the client has already is not read.
      entry.resume();
    }
    task.end();
  } finally {
    task.end({ error: 'the layout was not sent' });
    archive.destroy();
  }
  const { manifests: [first] = [] } = JSON.parse(index) as { manifests?: { annotations?: object }[] };
  return JSON.stringify({ ...first, annotations: undefined });
}
