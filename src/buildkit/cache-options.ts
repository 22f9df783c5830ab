import type { BuildOptions, CacheEntry } from '../api/types/image.ts';
import type { MessageOf } from './grpc/protobuf.ts';
import type { solveRequest } from './messages/control.ts';
import { refused } from './refused.ts';

/** Caches to take from, as clients give them to the frontend: JSON with Go's names. Throws GrpcError. */
export function readImports(text: string): CacheEntry[] {
  const given: unknown = JSON.parse(text || '[]');
  if (!Array.isArray(given)) return [];
  return given.map((one: { Type?: unknown; Attrs?: unknown }) =>
    taken({ type: String(one.Type ?? ''), attrs: attributesOf(one.Attrs) }),
  );
}

/** What a solve says of caches, and of what the build file may ask for, in the words of the engine. Throws GrpcError. */
export function readSolveCaches(request: MessageOf<typeof solveRequest>): Partial<BuildOptions> {
  const { exports = [], imports = [] } = request.cache ?? {};
  const entries = (list: typeof exports) =>
    list.map(({ type, attrs }) => taken({ type, attrs: Object.fromEntries(attrs) }));
  return {
    ...(exports.length > 0 && { cacheexports: entries(exports) }),
    ...(imports.length > 0 && { cacheimports: entries(imports) }),
    ...(request.entitlements.length > 0 && { allow: request.entitlements }),
  };
}

function attributesOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(typeof value === 'object' && value !== null ? value : {}).map(([name, text]) => [
      name,
      String(text),
    ]),
  );
}

/** A directory is the client's, which serves it as a store of that name. */
function taken(entry: CacheEntry): CacheEntry {
  const { type, attrs } = entry;
  if (type !== 'local') return entry;
  const directory = attrs.src ?? attrs.dest ?? '';
  if (/^[\x20-\x7e]+$/.test(directory)) return { type, attrs: { ...attrs, store: `local:${directory}` } };
  throw refused(`a cache in the directory ${JSON.stringify(directory)}`, 'its name has to be of plain ASCII');
}
