import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../../common/error.ts';
import { fileNames, overrideNames } from '../../compose/source/file-names.ts';

export interface ProjectNames {
  readonly services: readonly string[];
  readonly profiles: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Services and profiles by the look of the files alone: reading them as YAML, with all that includes and extends would
 * bring, takes longer than a key press may. A file that cannot be read names nothing.
 */
export function projectNames(
  globals: { readonly files: readonly string[]; readonly projectDirectory?: string },
  { cwd, environment }: { readonly cwd: string; readonly environment: Environment },
): ProjectNames {
  const asked = globals.files.length > 0 ? globals.files : (environment.COMPOSE_FILE ?? '').split(':').filter(Boolean);
  const files = asked.length > 0 ? asked.map((file) => resolve(cwd, file)) : found(globals.projectDirectory ?? cwd);
  const texts = withIncluded(files).map(textOf);
  return {
    services: [...new Set(texts.flatMap(serviceKeys))].sort(),
    profiles: [...new Set(texts.flatMap(profileWords))].sort(),
  };
}

function found(directory: string): string[] {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const names = [...fileNames, ...overrideNames].map((name) => join(at, name));
    if (names.some((name) => textOf(name) !== '') || at === '/') return names;
  }
}

/** The files with those they include by a plain path, as deep as it goes. */
function withIncluded(files: readonly string[]): string[] {
  const all = new Set(files);
  for (const file of all) {
    for (const path of includedPaths(textOf(file))) all.add(resolve(dirname(file), path));
    if (all.size > 100) break;
  }
  return [...all];
}

/** Items of the list below `include:`, or their `path`. */
function includedPaths(text: string): string[] {
  const flow = /^include:\s*\[([^\]]*)\]/m.exec(text)?.[1]?.split(',') ?? [];
  const block = /^include:[ \t]*(?:#.*)?\r?\n((?:[ \t-].*\r?\n?|#.*\r?\n?|\r?\n)*)/m.exec(text)?.[1] ?? '';
  const items = [...flow, ...block.split(/\r?\n/)].map((item) => item.replace(/^[\s{-]*(?:path:)?\s*/, ''));
  return items
    .map((item) => item.replace(/[\s}]*$/, '').replace(/^["']|["']$/g, ''))
    .filter((path) => /\.ya?ml$/.test(path));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) !== undefined) return '';
    throw error;
  }
}

/** Keys of the first level below `services:`. */
function serviceKeys(text: string): string[] {
  const block = /^services:[ \t]*(?:#.*)?\r?\n((?:[ \t].*\r?\n?|#.*\r?\n?|\r?\n)*)/m.exec(text)?.[1] ?? '';
  const indentation = /^([ \t]+)[^\s#]/m.exec(block)?.[1];
  if (indentation === undefined) return [];
  return block.split(/\r?\n/).flatMap((line) => {
    const key = line.startsWith(indentation) ? /^(["']?)([\w.-]+)\1[ \t]*:/.exec(line.slice(indentation.length)) : null;
    return key?.[2] ? [key[2]] : [];
  });
}

function profileWords(text: string): string[] {
  const flow = [...text.matchAll(/(?:^|[{,])\s*profiles:\s*\[([^\]]*)\]/gm)].flatMap(([, list = '']) =>
    list.split(','),
  );
  const block = [...text.matchAll(/^\s*profiles:[ \t]*\r?\n((?:\s*- .*\r?\n?)+)/gm)].flatMap(([, list = '']) =>
    list.split('\n').map((line) => line.replace(/^\s*- /, '')),
  );
  return [...flow, ...block].map((word) => word.trim().replace(/^["']|["']$/g, '')).filter(Boolean);
}
