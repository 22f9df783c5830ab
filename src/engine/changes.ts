import { lstatSync, readdirSync, type Stats } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerChange } from '../api/types/container.ts';
import { isWhiteout, openLower } from '../image/lower.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';

const modified = 0;
const added = 1;
const deleted = 2;
/** Places the runtime makes for its mounts where the image has none: not the container's doing. */
const mountPlaces = new Set(
  '/dev /proc /sys /etc/hosts /etc/hostname /etc/resolv.conf /sbin/docker-init /dev/console'.split(' '),
);

/** What the container wrote and removed, in the order of the paths. */
export async function containerChanges(
  context: EngineContext,
  request: Parameters<EngineApi['containerChanges']>[0],
): Promise<ContainerChange[]> {
  return changesOf(context, context.containers.get(request.id)).changes;
}

/**
 * The changes of a container, and what lies in its writable layer for the sake of mounts alone: paths without a leading
 * slash, bytes as latin1.
 */
export function changesOf(
  context: EngineContext,
  record: ContainerRecord,
): { readonly changes: ContainerChange[]; readonly mountPlaces: ReadonlySet<string> } {
  const top = record.chain.at(-1);
  const lower = openLower(top === undefined ? [] : context.snapshotter.lowerDirs(top));
  const changes: ContainerChange[] = [];
  const found = new Set<string>();
  // Names are bytes: one latin1 character each, until they are shown. Returns how many places of mounts were left out.
  const walk = (directory: string, path: string): number => {
    let places = 0;
    for (const name of readdirSync(bytes(directory), 'latin1').sort()) {
      const full = `${directory}/${name}`;
      const inside = `${path}/${name}`;
      const stat = lstatSync(bytes(full));
      const below = lower.find(inside.slice(1));
      const kind = kindOf(stat, below !== undefined);
      if (kind === added && mountPlaces.has(inside) && isUntouched(full, stat)) {
        places += 1;
        found.add(inside.slice(1));
        continue;
      }
      const own = changes.push({ Path: bytes(inside).toString('utf8'), Kind: kind });
      if (!stat.isDirectory()) continue;
      const within = walk(full, inside);
      // A directory that is there for the sake of such a place alone.
      if (within > 0 && changes.length === own && below && looksAlike(stat, below.stat)) {
        changes.pop();
        found.add(inside.slice(1));
      }
    }
    return places;
  };
  try {
    walk(Buffer.from(context.snapshotter.upperDir(record.id)).toString('latin1'), '');
  } finally {
    lower.close();
  }
  return { changes, mountPlaces: found };
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function kindOf(stat: Stats, isBelow: boolean): ContainerChange['Kind'] {
  if (isWhiteout(stat)) return deleted;
  return isBelow ? modified : added;
}

function looksAlike(a: Stats, b: Stats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}

function isUntouched(path: string, stat: Stats): boolean {
  return stat.isDirectory() ? readdirSync(bytes(path)).length === 0 : stat.isFile() && stat.size === 0;
}
