import type { EngineApi } from '../api/engine-api.ts';
import { changeText } from './plan/attribute-values.ts';
import type { Desired } from './plan/desired.ts';
import { attributePath, type Difference } from './plan/fingerprints.ts';
import { type Plan, renderPlace, type Step } from './plan/plan.ts';

/**
 * A plan for people to read: the reason of each replacement says what the attributes were and will be, each followed by
 * its place: the step's own is that of the last.
 */
export async function explainPlan(
  engine: EngineApi,
  plan: Plan,
  { desired, signal }: { readonly desired: Pick<Desired, 'project' | 'spanOf'>; readonly signal: AbortSignal },
): Promise<Plan> {
  const explain = async (step: Step): Promise<Step> => {
    if (step.kind !== 'createContainer' || !step.replaces?.attributes.length) return step;
    const { replaces } = step;
    const { Config: config, HostConfig: host } = await engine.containerInspect({ id: replaces.id, signal });
    const after = { config: step.body, host: step.body.HostConfig ?? {} };
    const service = step.target.split(':')[1] ?? '';
    const changes = replaces.attributes.map((attribute, at) => {
      const text = changeText(attribute, { config, host }, after);
      return at === 0 ? text : `${text}${placeOf(desired, service, attribute)}`;
    });
    return { ...step, reason: [...changes.slice(1), ...changes.slice(0, 1)].join('; ') };
  };
  return Promise.all(plan.map(explain));
}

function placeOf({ project, spanOf }: Pick<Desired, 'project' | 'spanOf'>, service: string, own: Difference): string {
  const span = own.how === 'removed' ? undefined : spanOf('services', service, ...attributePath(own.path))[0];
  return span ? ` (${renderPlace(span, project.workingDirectory)})` : '';
}
