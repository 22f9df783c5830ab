import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from '@jest/globals';

/** Modules that a file loads when it is loaded, by their paths; packages by their names. Types load nothing. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s(?!type\b)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'/gms);
  for (const [, from, bare] of statements) {
    const name = from ?? bare ?? '';
    if (name.startsWith('.')) loadedBy(resolve(dirname(file), name), seen);
    else seen.add(name);
  }
  return seen;
}

test('what the command line loads of registries has no native code in it', () => {
  for (const entry of ['artifact', 'names', 'credentials', 'settings']) {
    const loaded = [...loadedBy(resolve(`src/registry/${entry}.ts`))];
    expect(loaded.filter((name) => !name.startsWith('/') && !name.startsWith('node:'))).toEqual([]);
    expect(loaded.filter((name) => name.includes('/src/host/'))).toEqual([]);
  }
});
