import type { Distribution, Package } from './package.ts';

/** Paragraphs of `Key: value` lines, as dpkg and Python write them; lines that go on are left out. */
function paragraphs(text: string): Map<string, string>[] {
  return text.split(/\n\s*\n/).map((part) => {
    const fields = new Map<string, string>();
    for (const line of part.split('\n')) {
      const [, key, value = ''] = /^([A-Za-z][A-Za-z0-9-]*):\s*(.*)$/.exec(line) ?? [];
      if (key !== undefined && !fields.has(key)) fields.set(key, value.trim());
    }
    return fields;
  });
}

/** `var/lib/dpkg/status`, or a file of `status.d`. Packages that are only half there do not count. */
export function readDpkg(text: string, source: string): Package[] {
  return paragraphs(text).flatMap((fields) => {
    const [name, version] = [fields.get('Package'), fields.get('Version')];
    const status = fields.get('Status');
    if (!name || !version || (status !== undefined && !status.endsWith(' installed'))) return [];
    return [
      {
        ...{ type: 'deb' as const, name, version, source },
        architecture: fields.get('Architecture'),
        supplier: fields.get('Maintainer'),
      },
    ];
  });
}

/** `lib/apk/db/installed`. */
export function readApk(text: string, source: string): Package[] {
  return text.split('\n\n').flatMap((part) => {
    const field = (key: string) => new RegExp(`^${key}:(.*)$`, 'm').exec(part)?.[1];
    const [name, version] = [field('P'), field('V')];
    if (!name || !version) return [];
    return [
      {
        ...{ type: 'apk' as const, name, version, source },
        ...{ architecture: field('A'), license: field('L'), supplier: field('m') },
      },
    ];
  });
}

/** A `package.json` below `node_modules`. */
export function readNpm(text: string, source: string): Package[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof document !== 'object' || document === null) return [];
  const { name, version, license, licenses } = document as Record<string, unknown>;
  if (typeof name !== 'string' || typeof version !== 'string' || name === '') return [];
  const all = [license ?? licenses].flat().flatMap(licenseName);
  return [{ type: 'npm', name, version, source, ...(all.length > 0 && { license: all.join(' OR ') }) }];
}

/** As npm has it today, or as it did: an object with its name in `type`. */
function licenseName(license: unknown): string[] {
  const named = typeof license === 'object' && license !== null && 'type' in license ? license.type : license;
  return typeof named === 'string' ? [named] : [];
}

/** `METADATA` of a `.dist-info`, `PKG-INFO` of an `.egg-info` or an egg, or an `.egg-info` that is a file. */
export function readPip(text: string, source: string): Package[] {
  const [head = ''] = text.split(/\n\s*\n/);
  const fields = paragraphs(head)[0];
  const [name, version] = [fields?.get('Name'), fields?.get('Version')];
  if (!name || !version) return [];
  const license = fields?.get('License-Expression') ?? fields?.get('License');
  return [{ type: 'pypi', name, version, source, ...(license && license.length < 100 && { license }) }];
}

/** `etc/os-release`. */
export function readOsRelease(text: string): Distribution | undefined {
  const field = (key: string) => new RegExp(`^${key}=["']?([^"'\\n]*)["']?$`, 'm').exec(text)?.[1];
  const id = field('ID');
  return id ? { id, version: field('VERSION_ID') ?? field('VERSION_CODENAME') ?? '' } : undefined;
}
