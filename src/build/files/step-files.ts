import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../common/error.ts';
import type { Fingerprint } from './content-hash.ts';

/** What files finished steps took, by the step's key (of images: by what was taken), to say later which of them changed. A help only: it may be lost. */
export interface StepFiles {
  find(key: string): Fingerprint | undefined;
  put(key: string, files: Fingerprint): void;
}

/** More files than this are not remembered. */
const maxFiles = 50_000;
const maxSteps = 256;

export function openStepFiles(root: string): StepFiles {
  return {
    find(key) {
      try {
        return JSON.parse(readFileSync(join(root, key), 'utf8')) as Fingerprint;
      } catch (error) {
        if (codeOf(error) === undefined && !(error instanceof SyntaxError)) throw error;
        return undefined;
      }
    },
    put(key, files) {
      const names = Object.keys(files);
      if (names.length === 0 || names.length > maxFiles) return;
      try {
        mkdirSync(root, { recursive: true, mode: 0o700 });
        const fresh = join(root, `${key}.new`);
        writeFileSync(fresh, JSON.stringify(files), { mode: 0o600 });
        renameSync(fresh, join(root, key));
        forgetOldest(root);
      } catch (error) {
        if (codeOf(error) === undefined) throw error; // a full or read-only disk: then a miss says less
      }
    },
  };
}

function forgetOldest(root: string): void {
  const names = readdirSync(root);
  if (names.length <= maxSteps) return;
  const times = names.map(
    (name) => [name, statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs ?? 0] as const,
  );
  for (const [name] of times.toSorted((a, b) => b[1] - a[1]).slice(maxSteps)) rmSync(join(root, name), { force: true });
}
