import type { PlanBuilder, StepId } from '../plan/plan.ts';
import { type FailedRun, idOf, of } from './networks-back.ts';

/**
 * A container that an interrupted run left beside its replacement, and that ran until this run stopped it, runs again
 * under its name; the replacement waits beside it, as before. `gone` are the steps that remove what the run created.
 * Returns the steps that start them, by their target.
 */
export function bringLeftoversBack(undo: PlanBuilder, run: FailedRun, gone: readonly StepId[]): Map<string, StepId> {
  const restored = new Map<string, StepId>();
  const { plan, begun, done, outcome } = run;
  const replaced = new Set(of(plan, 'createContainer').map(({ replaces }) => replaces?.id));
  for (const stop of of(plan, 'stopContainer')) {
    const old = idOf(stop);
    const removal = of(plan, 'removeContainer').find((step) => idOf(step) === old);
    if (!begun.has(stop.id) || !removal?.quiet || done.has(removal.id) || replaced.has(old)) continue;
    const others = <K extends 'startContainer' | 'renameContainer'>(kind: K) =>
      of(plan, kind).find((step) => step.target === stop.target && idOf(step) !== old);
    const [start, rename] = [others('startContainer'), others('renameContainer')];
    if (outcome.interrupted && start && done.has(start.id)) continue;
    const { target, label } = stop;
    const common = { target, label, reason: `stopped by step ${stop.id} for one that is taken back` };
    const stopped =
      start && begun.has(start.id) ? undo.add('stopContainer', { ...common, container: start.container }) : undefined;
    const name = `${old.slice(0, 12)}_${rename?.name}`;
    const waiting =
      rename && done.has(rename.id)
        ? undo.add('renameContainer', { ...common, container: rename.container, name, after: [stopped] })
        : stopped;
    const aside = of(plan, 'renameContainer').find((step) => idOf(step) === old && done.has(step.id));
    const container = stop.container;
    const back =
      aside &&
      undo.add('renameContainer', {
        ...common,
        container,
        name: aside.name.replace(`-replaced-${old.slice(0, 12)}`, ''),
        after: [waiting],
      });
    restored.set(target, undo.add('startContainer', { ...common, container, after: [...gone, waiting, back] }));
  }
  return restored;
}
