import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIfThere } from '../host/files.ts';

/** One archive and suite that a host gets its packages from. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
}

/** Reads the binary package sources of an apt configuration, in both formats. */
export function readAptSources(aptDir = '/etc/apt'): readonly AptSource[] {
  const partsDir = join(aptDir, 'sources.list.d');
  const parts = listIfThere(partsDir).sort();
  return [
    ...parseList(readIfThere(join(aptDir, 'sources.list')) ?? ''),
    ...parts
      .filter((name) => name.endsWith('.list'))
      .flatMap((name) => parseList(readIfThere(join(partsDir, name)) ?? '')),
    ...parts
      .filter((name) => name.endsWith('.sources'))
      .flatMap((name) => parseSources(readIfThere(join(partsDir, name)) ?? '')),
  ];
}

function listIfThere(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** `deb [options] uri suite component...` */
export function parseList(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const [, uri, suite] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line.trim()) ?? [];
    return uri && suite ? [{ uri, suite }] : [];
  });
}

/** Stanzas of deb822. */
export function parseSources(text: string): AptSource[] {
  const stanzas = text.replace(/^#.*\n?/gm, '').split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map<string, string[]>();
    for (const line of stanza.replace(/\n[ \t]+/g, ' ').split('\n')) {
      const [, key, value] = /^([^:\s]+):\s*(.*)$/.exec(line) ?? [];
      if (key !== undefined && value !== undefined) fields.set(key.toLowerCase(), value.split(/\s+/).filter(Boolean));
    }
    const off = fields.get('enabled')?.[0] === 'no' || !fields.get('types')?.includes('deb');
    if (off) return [];
    const uris = fields.get('uris') ?? [];
    return uris.flatMap((uri) => (fields.get('suites') ?? []).map((suite) => ({ uri, suite })));
  });
}
