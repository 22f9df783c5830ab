import { readFileSync } from 'node:fs';
import { codeOf, IechorError } from '../common/error.ts';

/**
 * Contents by id, as base64, of `--secret id=ID,src=FILE`, `id=ID,env=VARIABLE` or `id=ID` (a variable or file of that
 * name). A variable that is not set is an empty secret, as with Docker. Throws USAGE; no content is ever in an error.
 */
export function readSecrets(
  entries: readonly string[] | undefined,
  environment: NodeJS.ProcessEnv,
): Record<string, string> | undefined {
  if (!entries?.length) return undefined;
  return Object.fromEntries(
    entries.map((entry) => {
      const { id, file, variable } = parseSecret(entry);
      const fromVariable = variable ?? (file === undefined && environment[id] !== undefined ? id : undefined);
      const content =
        fromVariable === undefined ? readSecret(id, file ?? id) : Buffer.from(environment[fromVariable] ?? '');
      return [id, content.toString('base64')];
    }),
  );
}

const keys: Readonly<Record<string, 'id' | 'file' | 'variable' | 'type'>> = {
  id: 'id',
  src: 'file',
  source: 'file',
  env: 'variable',
  type: 'type',
};

function parseSecret(entry: string): { id: string; file?: string; variable?: string } {
  const found: { id?: string; file?: string; variable?: string; type?: string } = {};
  for (const field of entry.split(',')) {
    const at = field.indexOf('=');
    const key = at < 0 ? undefined : keys[field.slice(0, at).trim().toLowerCase()];
    if (key === undefined) throw usage(entry, at < 0 ? `"${field}" has no "="` : `"${field.slice(0, at)}" is unknown`);
    found[key] = field.slice(at + 1);
  }
  const { id, file, variable, type } = found;
  if (!id) throw usage(entry, 'it has no id');
  if (type !== undefined && type !== 'file' && type !== 'env') throw usage(entry, `there is no type "${type}"`);
  if (type === 'env' && !variable && file) return { id, variable: file };
  return { id, ...(variable ? { variable } : file ? { file } : {}) };
}

function usage(entry: string, what: string): IechorError {
  return new IechorError('USAGE', `--secret ${entry}: ${what}`, {
    hint: 'write --secret id=ID,src=FILE or --secret id=ID,env=VARIABLE',
  });
}

function readSecret(id: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new IechorError('USAGE', `the secret ${id} cannot be read from ${file} (${codeOf(error)})`, { cause: error });
  }
}
