import type { Diagnostic } from '../../common/diagnostic.ts';
import { projectSpec } from './attributes.ts';
import type { Loaded } from './load.ts';
import type { Node } from './node.ts';
import { createReport, keyPlacesOf, type Path } from './report.ts';
import type { Spec } from './spec.ts';
import { eachChild } from './walk.ts';

/**
 * The attributes in use, by active services or by the project itself, that the table marks as beyond the engine: each
 * by name and place. Whoever would act on the project refuses it with these; printing it is no harm.
 */
export function unsupportedUses({ tree, project }: Pick<Loaded, 'tree' | 'project'>): readonly Diagnostic[] {
  const report = createReport();
  const visit = (node: Node, spec: Spec, path: Path): undefined => {
    if (path.length === 2 && path[0] === 'services' && !Object.hasOwn(project.services, path[1] ?? ''))
      return undefined;
    if (spec.apply === 'unsupported') {
      report.error({
        code: 'COMPOSE_UNSUPPORTED',
        path,
        message: `${path.at(-1)} is not supported yet`,
        hint: 'take it out',
        at: keyPlacesOf(node),
      });
    } else eachChild(node, spec, path, visit);
    return undefined;
  };
  visit(tree, projectSpec, []);
  return report.errors;
}
