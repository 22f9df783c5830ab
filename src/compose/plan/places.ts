import type { Project } from '../model/project.ts';
import type { Desired } from './desired.ts';
import type { Plan, Step } from './plan.ts';

/** Steps whose reason has no place of its own get that of what they are about. Pure. */
export function withPlaces(plan: Plan, project: Project, spanOf: Desired['spanOf']): Plan {
  return plan.map((step) => {
    const path = step.because ? undefined : pathOf(step, project);
    const because = path && spanOf(...path)[0];
    return because ? { ...step, because } : step;
  });
}

/** What a step is about, where the project has it. */
function pathOf({ target }: Step, project: Project): readonly string[] | undefined {
  const [kind = '', name = ''] = target.split(':');
  if (kind === 'network' || kind === 'volume') {
    const section = `${kind}s` as const;
    return Object.hasOwn(project[section], name) ? [section, name] : undefined;
  }
  const service = project.services[name];
  if (!service) return undefined;
  if (kind === 'container') return ['services', name];
  return ['services', name, ...(service.build ? ['build'] : service.image === undefined ? [] : ['image'])];
}
