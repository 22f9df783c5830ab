import type { LoadContext } from './context.ts';
import { type Discovered, directoryName, normalizeName } from './discover.ts';
import { explain } from './interpolate.ts';
import type { LoadOptions } from './load-options.ts';
import { get, isMap, type Node, stringOf } from './node.ts';
import { substitute } from './template.ts';

/** The name by -p, COMPOSE_PROJECT_NAME, the last `name:` of the files, or the directory, in this order. */
export function findProjectName(
  context: LoadContext,
  options: LoadOptions,
  found: Discovered,
  named: Node | undefined,
): string {
  const given = options.projectName || found.environment.get('COMPOSE_PROJECT_NAME');
  if (given) {
    if (normalizeName(given) !== given) {
      const suggestion = normalizeName(given);
      context.report.error({
        code: 'PROJECT_NAME',
        message: `invalid project name "${given}": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number`,
        hint: suggestion === '' ? undefined : `try "${suggestion}"`,
        at: [],
      });
    }
    return given;
  }
  const written = stringOf(named);
  if (named && written) {
    const name = interpolateName(context, named, written, found.environment);
    return options.normalize === false ? name : normalizeName(name);
  }
  const { name, linked } = directoryName(found.directory);
  if (linked) {
    const message = `project has been loaded without an explicit name from a symlink. Using name "${name}"`;
    context.report.warning({
      code: 'COMPOSE_AMBIGUOUS',
      message,
      hint: 'write name: in the Compose file',
      at: [],
    });
  }
  return normalizeName(name);
}

function interpolateName(
  context: LoadContext,
  named: Node,
  written: string,
  environment: ReadonlyMap<string, string>,
): string {
  if (!context.interpolate) return written;
  const result = substitute(written, { lookup: (key) => environment.get(key) });
  if (!result.error) return result.text;
  context.report.error({ code: 'COMPOSE_INTERPOLATION', path: ['name'], ...explain(result.error), at: [named.at] });
  return '';
}

/** The `name:` written last in the files. */
export function lastName(roots: readonly Node[]): Node | undefined {
  let last: Node | undefined;
  for (const root of roots) {
    const name = isMap(root) ? get(root, 'name') : undefined;
    if (stringOf(name)) last = name;
  }
  return last;
}
