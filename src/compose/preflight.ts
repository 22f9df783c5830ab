import { accessSync, constants, statSync } from 'node:fs';
import type { ContainerSummary } from '../api/types/container.ts';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import { checkAddresses, checkTaken } from './plan/address-conflicts.ts';
import { creationsOf, refuseFaults } from './plan/creation-faults.ts';
import type { Desired } from './plan/desired.ts';
import { checkNetworkHolders } from './plan/network-holders.ts';
import { checkNames } from './plan/name-conflicts.ts';
import type { Observed } from './plan/observe.ts';
import type { ContentSource, Plan, StepOf } from './plan/plan.ts';
import { checkHolders, checkPorts, claimedPorts } from './plan/port-conflicts.ts';
import { withSeccompProfiles } from './seccomp-profiles.ts';
import type { Session } from './session.ts';

interface Before {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly plan: Plan;
}

/**
 * What can be known to fail is said before anything is pulled, built or made: names and ports that others have, subnets
 * and addresses that clash, secrets and configs without content, and with our engine all that it would refuse later:
 * mounts, devices, drivers, options. Throws the first kind found, with its places.
 */
export async function checkBefore({ engine, signal }: Session, { desired, observed, plan }: Before): Promise<void> {
  const creations = plan.filter((step): step is StepOf<'createContainer'> => step.kind === 'createContainer');
  checkNamed(desired);
  checkAddresses(plan, observed, desired);
  checkContents(creations, desired);
  checkProfiles(creations, desired);
  const making = creationsOf(plan);
  if (!making) return;
  const Containers = making.Containers.map(({ Name, Body }) => ({ Name, Body: withSeccompProfiles(Body) }));
  const [all, faults] = await Promise.all([
    engine.containerList({ all: true, signal }),
    whereOurs([], () => engine.creationsCheck({ body: { ...making, Containers }, signal })),
  ]);
  checkNames(plan, all, desired);
  checkNetworkHolders(plan, all.filter(runs), desired);
  checkTaken(plan, all, desired);
  refuseFaults(faults, plan, desired);
  const ports = claimedPorts(plan);
  if (ports.length === 0) return;
  checkPorts(plan, all.filter(runs), desired);
  // Another engine cannot tell which programs have ports: there a start finds out.
  checkHolders(plan, await whereOurs([], () => engine.portHolders({ ports, signal })), desired);
}

const runs = ({ State }: ContainerSummary): boolean =>
  State === 'running' || State === 'paused' || State === 'restarting';

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
        at: desired.spanOf(...originOf(source, service, desired)).slice(0, 1),
        exit: 1,
      });
    }
  }
}

function checkProfiles(creations: readonly StepOf<'createContainer'>[], desired: Desired): void {
  for (const { body, target } of creations) {
    try {
      withSeccompProfiles(body);
    } catch (error) {
      const [, service = ''] = target.split(':');
      const at = desired.spanOf('services', service, 'security_opt').slice(0, 1);
      throw new IechorError('COMPOSE_INVALID', messageOf(error), { at, exit: 1, cause: error });
    }
  }
}

/** Where a secret or config says what its content is. */
function originOf(source: ContentSource, service: string, { project }: Desired): string[] {
  const attribute = 'file' in source ? 'file' : 'environment';
  const value = (source as Readonly<Record<string, string>>)[attribute];
  for (const kind of ['secrets', 'configs'] as const) {
    const found = project.services[service]?.[kind]?.find((own) => project[kind][own.source]?.[attribute] === value);
    if (found) return [kind, found.source, attribute];
  }
  return ['services', service];
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

/** What only our engine answers; `otherwise` of another one. */
async function whereOurs<T>(otherwise: T, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return otherwise;
    throw error;
  }
}
