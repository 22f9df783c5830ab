import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LoadOptions, type Loaded, load } from '../../../../src/compose/source/load.ts';
import type { Diagnostic } from '../../../../src/common/diagnostic.ts';

export interface ProjectFiles {
  readonly directory: string;
  load(options?: Partial<LoadOptions>): Promise<Loaded>;
  /** The findings of a load that must fail, one line each: `file:line:column path: message`. */
  mistakes(options?: Partial<LoadOptions>): Promise<readonly string[]>;
  [Symbol.dispose](): void;
}

/** A directory with files, removed at the end of the block. */
export function projectFiles(files: Readonly<Record<string, string | Uint8Array>>): ProjectFiles {
  const directory = join(realpathSync(mkdtempSync(join(tmpdir(), 'iechor-compose-'))), 'demo');
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const loadFiles = (options: Partial<LoadOptions> = {}) =>
    load({ cwd: directory, environment: { HOME: '/home/me' }, ...options });
  return {
    directory,
    load: loadFiles,
    async mistakes(options) {
      try {
        await loadFiles(options);
      } catch (error) {
        const { diagnostics } = error as { diagnostics?: readonly Diagnostic[] };
        if (!diagnostics) throw error;
        return diagnostics.filter(({ severity }) => severity === 'error').map((found) => line(found, directory));
      }
      return [];
    },
    [Symbol.dispose]: () => rmSync(dirname(directory), { recursive: true, force: true }),
  };
}

export function line({ at: [place], path, message }: Diagnostic, directory: string): string {
  const where = place ? `${place.file.replace(`${directory}/`, '')}:${place.line}:${place.column} ` : '';
  return `${where}${path ? `${path}: ` : ''}${message}`.replaceAll(`${directory}/`, '');
}

/** One service in a Compose file, for attributes. */
export const service = (attributes: string): string =>
  `services:\n  web:\n    image: x\n${attributes.replace(/^(?=.)/gm, '    ')}\n`;
