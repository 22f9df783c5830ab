import { accessSync, constants, statSync } from 'node:fs';
import type { EngineApi } from '../api/engine-api.ts';
import type { PortHolder } from '../api/types/network.ts';
import { codeOf, IechorError } from '../common/error.ts';
import { checkAddresses } from './plan/address-conflicts.ts';
import type { Desired } from './plan/desired.ts';
import { labels } from './plan/labels.ts';
import type { Observed } from './plan/observe.ts';
import type { Plan, StepOf } from './plan/plan.ts';
import { checkHolders, checkPorts, claimedPorts } from './plan/port-conflicts.ts';
import type { Session } from './session.ts';

interface Before {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly plan: Plan;
}

/**
 * What can be known to fail is said before anything is pulled, built or made: names and ports that others have, subnets
 * and addresses that clash, secrets and configs without content. Throws the first, with its place.
 */
export async function checkBefore({ engine, signal }: Session, { desired, observed, plan }: Before): Promise<void> {
  const creations = plan.filter((step): step is StepOf<'createContainer'> => step.kind === 'createContainer');
  checkNamed(desired);
  checkAddresses(plan, observed, desired);
  checkContents(creations, desired);
  if (creations.length === 0) return;
  const all = await engine.containerList({ all: true, signal });
  checkNames(creations, { all, desired, project: observed.project });
  const ports = claimedPorts(plan);
  if (ports.length === 0) return;
  const running = all.filter(({ State }) => State === 'running' || State === 'paused' || State === 'restarting');
  checkPorts(plan, running, desired);
  checkHolders(plan, await holdersOf(engine, ports, signal), desired);
}

/** An empty name (of a variable that is not set) would be another volume each time. */
function checkNamed(desired: Desired): void {
  for (const kind of ['networks', 'volumes'] as const) {
    const found = desired[kind].find(({ name }) => !name);
    if (!found) continue;
    throw new IechorError('COMPOSE_INVALID', `${kind}.${found.key} has an empty name`, {
      at: desired.spanOf(kind, found.key, 'name').slice(0, 1),
      exit: 1,
      hint: 'set the variable it is made from, or leave name out',
    });
  }
}

function checkNames(
  creations: readonly StepOf<'createContainer'>[],
  options: {
    readonly all: Awaited<ReturnType<EngineApi['containerList']>>;
    readonly desired: Desired;
    readonly project: string;
  },
): void {
  const { all, desired, project } = options;
  const foreign = new Map(
    all
      .filter(({ Labels }) => Labels?.[labels.project] !== project)
      .flatMap((container) => container.Names.map((name) => [name.replace(/^\//, ''), container] as const)),
  );
  for (const { name, target } of creations) {
    const holder = foreign.get(name);
    if (!holder) continue;
    const [, service = ''] = target.split(':');
    const owner = holder.Labels?.[labels.project];
    const whose = owner === undefined ? 'is no part of a project' : `belongs to project ${owner}`;
    throw new IechorError('NAME_IN_USE', `there is a container ${name} already, which ${whose}`, {
      at: desired.spanOf('services', service, 'container_name').slice(0, 1),
      exit: 1,
      hint: `remove it (rm ${name}), or use another name`,
    });
  }
}

/** Contents are read when a container is made; that they can be is looked at before. */
function checkContents(creations: readonly StepOf<'createContainer'>[], desired: Desired): void {
  const { environment } = desired.project;
  for (const { files, target: step } of creations) {
    for (const { source, target } of files) {
      const [, service = ''] = step.split(':');
      const fault =
        'file' in source
          ? fileFault(source.file)
          : 'environment' in source
            ? variableFault(source.environment, environment)
            : undefined;
      if (fault === undefined) continue;
      throw new IechorError('COMPOSE_INVALID', `${service}: ${target} ${fault}`, {
        at: [
          ...desired.spanOf('services', service, 'secrets'),
          ...desired.spanOf('services', service, 'configs'),
        ].slice(0, 1),
        exit: 1,
      });
    }
  }
}

function fileFault(file: string): string | undefined {
  try {
    if (!statSync(file).isFile()) return `takes its content from ${file}, which is no file`;
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return `takes its content from ${file}, which cannot be read (${codeOf(error)})`;
  }
}

const variableFault = (name: string, environment: Readonly<Record<string, string>>): string | undefined =>
  environment[name] === undefined ? `takes its content from the variable ${name}, which is not set` : undefined;

/** Another engine cannot tell which programs have ports: there a start finds out. */
async function holdersOf(engine: EngineApi, ports: readonly string[], signal: AbortSignal): Promise<PortHolder[]> {
  try {
    return await engine.portHolders({ ports, signal });
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return [];
    throw error;
  }
}
