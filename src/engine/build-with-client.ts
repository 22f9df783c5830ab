import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientBuild, SessionBuilds } from '../api/session-build.ts';
import type { ProgressMessage } from '../api/types/image.ts';
import type { NamedContext } from '../build/build-context.ts';
import type { Builder } from '../build/builder.ts';
import { newId } from '../common/id.ts';
import { isPlatform, parsePlatform } from '../image/platform.ts';
import { familiar, formatReference, parseReference } from '../image/reference.ts';
import { applyTar } from '../image/tar-apply.ts';
import { removeInBackground } from '../image/tar-diff.ts';
import { type BuildExtras, buildImage } from './build.ts';
import type { EngineContext } from './context.ts';
import { publishImage } from './images.ts';

/** See `SessionBuilds`. */
export function nameTogether(
  context: EngineContext,
  { images, names }: Parameters<SessionBuilds['nameTogether']>[0],
): void {
  const records = images.map((id) => context.images.get(id));
  const main = records.find(({ config }) => isPlatform(config, parsePlatform())) ?? records[0];
  if (!main) return;
  const others = records.filter(({ id }) => id !== main.id).map(({ id }) => id);
  for (const name of names) {
    context.images.tag(main.id, name, { others });
    publishImage(context, main.id, 'tag', { name: familiar(formatReference(parseReference(name))) });
  }
}

/** Builds for a client with a session: its further contexts are unpacked first, and are gone when the build has ended. */
export async function* buildWithClient(
  context: EngineContext,
  builder: Builder,
  { client, contexts: given = new Map(), ...request }: ClientBuild,
): AsyncGenerator<ProgressMessage> {
  const directory = join(context.roots.dataRoot, 'tmp', `build-${newId().slice(0, 16)}`);
  const contexts: Record<string, NamedContext> = Object.create(null);
  try {
    for (const [name, source] of given) {
      if ('image' in source) {
        contexts[name] = source;
        continue;
      }
      const dir = join(directory, String(Object.keys(contexts).length));
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      await applyTar(source.archive, { root: dir }, request.signal);
      contexts[name] = { dir };
    }
    const extras: BuildExtras = {
      contexts,
      logins: client.login,
      askSecret: client.secret,
      askAgent: client.agent,
      clientContent: client.content,
    };
    yield* buildImage(context, builder, { ...request, extras });
  } finally {
    for (const source of given.values()) if ('archive' in source) source.archive.destroy();
    await removeInBackground(directory);
  }
}
