import { closeSync, constants, copyFileSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../common/error.ts';
import { type MergedEntry, walkMerged } from '../merged-tree.ts';
import type { Distribution, Package } from './package.ts';
import { readApk, readDpkg, readNpm, readOsRelease, readPip } from './readers.ts';
import { packageOf, readRpm } from './rpm.ts';
import { bdbHeaders, ndbHeaders } from './rpm-files.ts';

export interface Inventory {
  readonly packages: readonly Package[];
  readonly distribution?: Distribution | undefined;
  /** What could not be read, in words. */
  readonly warnings: readonly string[];
}

/** Databases larger than this are not read. */
const maxBytes = 256 * 1024 ** 2;

const readers: readonly (readonly [RegExp, (text: string, source: string) => Package[]])[] = [
  [/^var\/lib\/dpkg\/(?:status|status\.d\/[^/]+)$/, readDpkg],
  [/^(?:usr\/)?lib\/apk\/db\/installed$/, readApk],
  [/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/, readNpm],
  [/\.(?:dist-info\/METADATA|egg-info(?:\/PKG-INFO)?|egg\/EGG-INFO\/PKG-INFO)$/, readPip],
];
const rpmPath = /^(?:var\/lib|usr\/lib\/sysimage)\/rpm\/(rpmdb\.sqlite|Packages|Packages\.db)$/;
const osReleasePath = /^(?:etc|usr\/lib)\/os-release$/;

/** The packages of a stack of layers (the top first), sorted. Nothing of the image is run or mounted. */
export async function packagesOf(layers: readonly string[], signal?: AbortSignal): Promise<Inventory> {
  const found = new Map<string, Package>();
  const warnings: string[] = [];
  let distribution: Distribution | undefined;
  for await (const entry of walkMerged(layers, signal)) {
    if (!entry.stat.isFile()) continue;
    const source = `/${Buffer.from(entry.path, 'latin1').toString('utf8')}`;
    try {
      for (const one of packagesIn(entry, source)) {
        found.set(`${one.type} ${one.name} ${one.version} ${one.architecture ?? ''}`, one);
      }
      if (osReleasePath.test(entry.path)) distribution ??= readOsRelease(contentOf(entry));
    } catch (error) {
      warnings.push(`${source} cannot be read: ${messageOf(error)}`);
    }
  }
  const packages = [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return { packages, distribution, warnings };
}

const rpmFiles: Readonly<Record<string, (file: Buffer) => Buffer[]>> = {
  Packages: bdbHeaders,
  'Packages.db': ndbHeaders,
};

function packagesIn(entry: MergedEntry, source: string): Package[] {
  const [, rpm = ''] = rpmPath.exec(entry.path) ?? [];
  if (rpm === 'rpmdb.sqlite') return fromRpm(entry, source);
  const headers = rpmFiles[rpm];
  if (headers) return headers(bytesOf(entry)).flatMap((header) => packageOf(header, source));
  const reader = readers.find(([pattern]) => pattern.test(entry.path))?.[1];
  return reader ? reader(contentOf(entry), source) : [];
}

const contentOf = (entry: MergedEntry): string => bytesOf(entry).toString('utf8');

function bytesOf({ place }: MergedEntry): Buffer {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (fstatSync(fd).size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** SQLite wants to make files beside a database: it gets a copy. */
function fromRpm(entry: MergedEntry, source: string): Package[] {
  if (entry.stat.size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
  const work = mkdtempSync(join(tmpdir(), 'iechor-sbom-'));
  try {
    const copy = join(work, 'rpmdb.sqlite');
    copyFileSync(entry.place, copy);
    return readRpm(copy, source);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
