import type { EngineApi } from '../api/engine-api.ts';
import { changeText } from './plan/attribute-values.ts';
import type { Plan, Step } from './plan/plan.ts';

/** A plan for people to read: the reason of each replacement says what the attributes were and will be. */
export async function explainPlan(engine: EngineApi, plan: Plan, signal: AbortSignal): Promise<Plan> {
  return Promise.all(plan.map((step) => explainStep(engine, step, signal)));
}

async function explainStep(engine: EngineApi, step: Step, signal: AbortSignal): Promise<Step> {
  if (step.kind !== 'createContainer' || !step.replaces) return step;
  const { Config: config, HostConfig: host } = await engine.containerInspect({ id: step.replaces.id, signal });
  const after = { config: step.body, host: step.body.HostConfig ?? {} };
  const changes = step.replaces.attributes.map((attribute) => changeText(attribute, { config, host }, after));
  return { ...step, reason: changes.join('; ') };
}
