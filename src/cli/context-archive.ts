import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { IechorError } from '../common/error.ts';
import { type ContextContent, certificateNames, metaText, parseMeta } from './contexts.ts';

const maxBytes = 1024 * 1024;
const tlsPrefix = 'tls/docker/';

/** A context as `docker context export` writes it: `meta.json` and `tls/docker/*.pem`. */
export function contextArchive(name: string, content: ContextContent): Readable {
  const archive = pack();
  archive.entry({ name: 'meta.json', mode: 0o644 }, metaText(name, content));
  for (const [file, text] of Object.entries(content.certificates))
    archive.entry({ name: `${tlsPrefix}${file}`, mode: 0o600 }, text);
  archive.finalize();
  return archive as unknown as Readable;
}

/** Reads such an archive; other entries are passed over. Throws USAGE where it is none, or larger than a context can be. */
export async function readContextArchive(archive: Uint8Array): Promise<ContextContent> {
  if (archive.length > maxBytes) throw new IechorError('USAGE', 'the archive is larger than a context can be');
  const texts = new Map<string, string>();
  const reader = extract();
  const read = (async () => {
    for await (const entry of reader) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      texts.set(entry.header.name, Buffer.concat(chunks).toString());
    }
  })();
  await Promise.all([pipeline(Readable.from([archive]), reader), read]).catch((cause: unknown) => {
    throw new IechorError('USAGE', 'the file is no archive of a context', { cause });
  });
  const meta = parseMeta(texts.get('meta.json') ?? '', 'meta.json');
  const docker = meta.Endpoints?.docker;
  return {
    description: meta.Metadata?.Description ?? '',
    host: docker?.Host ?? '',
    skipVerify: docker?.SkipTLSVerify === true,
    certificates: Object.fromEntries(
      certificateNames.flatMap((file) =>
        texts.has(tlsPrefix + file) ? [[file, texts.get(tlsPrefix + file) ?? '']] : [],
      ),
    ),
  };
}
