import { copyFileSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { entryUrl } from '../common/entry.ts';

/** What a running engine starts by and by, each a bundle of its own. */
const names = ['dns-main.js', 'layer-worker.js'];

let kept: string | undefined;

/**
 * Keeps copies of the engine's programs in a directory of its own, so that it goes on working where its installation is
 * replaced by another version or removed meanwhile. From sources nothing is kept.
 */
export function keepPrograms(directory: string): void {
  if (import.meta.url.endsWith('.ts')) return;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const installed = dirname(fileURLToPath(import.meta.url));
  for (const name of names) copyFileSync(join(installed, name), join(directory, name));
  const koffi = createRequire(import.meta.url).resolve('koffi');
  symlinkSync(dirname(dirname(koffi)), join(directory, 'node_modules'));
  kept = directory;
}

/** URL of a program or worker that stands beside the caller in the sources, as `entryUrl` has it: the kept copy, if any. */
export function ownProgram(callerUrl: string, relative: string): URL {
  const url = entryUrl(callerUrl, relative);
  const name = url.pathname.split('/').at(-1) ?? '';
  return kept !== undefined && names.includes(name) ? pathToFileURL(join(kept, name)) : url;
}
