import type { ContainerSummary } from '../../api/types/container.ts';
import { IechorError } from '../../common/error.ts';
import type { Desired } from './desired.ts';
import { labels } from './labels.ts';
import type { Plan } from './plan.ts';

/**
 * Throws NAME_IN_USE where a container of the plan wants a name that a container has which the plan neither removes nor
 * renames, or that another one of the plan wants too. Pure.
 */
export function checkNames(plan: Plan, all: readonly ContainerSummary[], desired: Desired): void {
  const leaving = new Set(
    plan.flatMap((step) =>
      (step.kind === 'removeContainer' || step.kind === 'renameContainer') && 'id' in step.container
        ? [step.container.id]
        : [],
    ),
  );
  const holders = new Map(
    all
      .filter(({ Id }) => !leaving.has(Id))
      .flatMap((container) => container.Names.map((name) => [name.replace(/^\//, ''), container] as const)),
  );
  const wanted = new Map<string, string>();
  for (const step of plan) {
    if (step.kind !== 'createContainer') continue;
    // A replacement has another name until its predecessor is gone.
    const name = step.label.replace('Container ', '');
    const [, service = ''] = step.target.split(':');
    const holder = holders.get(name);
    const other = wanted.get(name);
    const message = holder
      ? `there is a container ${name} already, which ${ownerOf(holder, desired)}`
      : other && `${service} and ${other} both want a container ${name}`;
    if (message !== undefined) {
      throw new IechorError('NAME_IN_USE', message, {
        at: desired.spanOf('services', service, 'container_name').slice(0, 1),
        exit: 1,
        hint: holder ? `remove it (rm ${name}), or use another name` : 'give one of them another container_name',
      });
    }
    wanted.set(name, service);
  }
}

function ownerOf({ Labels }: ContainerSummary, { project }: Desired): string {
  const owner = Labels?.[labels.project];
  if (owner === undefined) return 'is no part of a project';
  return owner === project.name
    ? `belongs to service ${Labels?.[labels.service] ?? ''}`
    : `belongs to project ${owner}`;
}
