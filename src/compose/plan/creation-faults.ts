import type { CreationFault, CreationsCheck } from '../../api/types/check.ts';
import type { Diagnostic, SourceSpan } from '../../common/diagnostic.ts';
import { IechorError } from '../../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../../common/error-catalogue.ts';
import type { Service } from '../model/project.ts';
import type { Desired } from './desired.ts';
import type { Plan, StepOf } from './plan.ts';

/** What a plan makes, for the engine to look at before anything is made; undefined where it makes nothing. */
export function creationsOf(plan: Plan): CreationsCheck | undefined {
  const check: CreationsCheck = {
    Containers: stepsOf(plan, 'createContainer').map(({ name, body }) => ({ Name: name, Body: body })),
    Networks: stepsOf(plan, 'createNetwork').map(({ body }) => body),
    Volumes: stepsOf(plan, 'createVolume').map(({ body }) => body),
    Leaving: stepsOf(plan, 'removeContainer').flatMap(({ container }) => ('id' in container ? [container.id] : [])),
  };
  return check.Containers.length + check.Networks.length + check.Volumes.length > 0 ? check : undefined;
}

/** Throws what the engine found wrong, all of it, each with its place in the files. Pure. */
export function refuseFaults(faults: readonly CreationFault[], plan: Plan, desired: Desired): void {
  const told = faults.map((fault) => ({ fault, ...placed(fault, plan, desired) }));
  // Replicas of a service have the same faults.
  const unique = [...new Map(told.map((one) => [one.message, one])).values()];
  const [first] = unique;
  if (!first) return;
  // A newer engine may know codes that are not known here.
  const code = Object.hasOwn(errorCatalogue, first.fault.Code) ? (first.fault.Code as ErrorCode) : 'BAD_REQUEST';
  if (unique.length === 1)
    throw new IechorError(code, first.message, { at: first.at, hint: first.fault.Hint, exit: 1 });
  const diagnostics = unique.map(
    ({ fault, message, at }): Diagnostic => ({
      severity: 'error',
      code: fault.Code,
      message,
      at,
      ...(fault.Hint && { hint: fault.Hint }),
    }),
  );
  throw new IechorError(code, unique.map(({ message }) => message).join('; '), { diagnostics, at: first.at, exit: 1 });
}

function placed(fault: CreationFault, plan: Plan, desired: Desired): { message: string; at: readonly SourceSpan[] } {
  const { Kind: kind, Name: name, Message: text } = fault;
  const section = `${kind}s` as const;
  if (section !== 'containers') {
    const key = desired[section].find((one) => one.name === name)?.key ?? name;
    const inside = section === 'networks' ? ipamOf(text) : volumeOf(text);
    return { message: `${kind} ${key}: ${text}`, at: desired.spanOf(section, key, ...inside).slice(0, 1) };
  }
  const step = stepsOf(plan, 'createContainer').find((one) => one.name === name);
  const service = step?.target.split(':')[1] ?? name;
  const model = desired.project.services[service];
  const path = model ? pathOf(fault, model, desired) : [];
  const from = path[0] === '/' ? path.slice(1) : ['services', service, ...path];
  return { message: `${service}: ${text}`, at: desired.spanOf(...from).slice(0, 1) };
}

const ipamOf = (text: string): string[] =>
  /subnet|range|gateway|address/.test(text) ? ['ipam', 'config'] : /driver|plugin/.test(text) ? ['driver'] : [];
const volumeOf = (text: string): string[] =>
  /driver "|plugin/.test(text) ? ['driver'] : /cannot mount|option|device/.test(text) ? ['driver_opts'] : [];

/** Where the part of a container's body that a fault is about comes from; attributes that are lists are searched. */
const attributes: Readonly<Record<string, readonly string[]>> = {
  NetworkMode: ['network_mode'],
  PidMode: ['pid'],
  IpcMode: ['ipc'],
  Ports: ['ports'],
  SecurityOpt: ['security_opt'],
  StopSignal: ['stop_signal'],
  LogConfig: ['logging'],
  Sysctls: ['sysctls'],
  CapAdd: ['cap_add'],
  RestartPolicy: ['restart'],
  Name: ['container_name'],
};

/** A path below the service, or with `/` in front one of its own. */
function pathOf({ About: about, Message: text }: CreationFault, model: Service, desired: Desired): (string | number)[] {
  const entry = (name: 'volumes' | 'devices' | 'external_links' | 'links' | 'volumes_from') => {
    const all: readonly unknown[] = model[name] ?? [];
    const at = all.findIndex((one) => wordsOf(one).some((word) => text.includes(word)));
    return at < 0 ? undefined : [name, at];
  };
  switch (about) {
    case 'Mounts':
      return entry('volumes') ?? deliveredOf(text, model, desired) ?? entry('volumes_from') ?? ['volumes'];
    case 'Devices':
      return entry('devices') ?? ['devices'];
    case 'Links':
      return entry('links') ?? entry('external_links') ?? ['links'];
    case 'Networks':
      return endpointOf(text, model, desired);
    case 'Supported':
      return /runtime/.test(text) ? ['runtime'] : /log/.test(text) ? ['logging'] : [];
    default:
      return [...(attributes[about] ?? [])];
  }
}

/** The texts of an entry that an error could name. */
function wordsOf(entry: unknown): string[] {
  if (typeof entry === 'string') return entry.split(':').filter((word) => word.length > 1);
  const { source, target } = entry as { readonly source?: string; readonly target?: string };
  return [source, target].filter((word): word is string => word !== undefined && word.length > 1);
}

function deliveredOf(text: string, model: Service, { project }: Desired): string[] | undefined {
  for (const kind of ['secrets', 'configs'] as const) {
    const found = (model[kind] ?? []).find(({ source }) => text.includes(project[kind][source]?.file ?? '\n'));
    if (found) return ['/', kind, found.source, 'file'];
  }
  return undefined;
}

function endpointOf(text: string, model: Service, { project }: Desired): string[] {
  for (const [key, own] of Object.entries(model.networks ?? {})) {
    const address = (['ipv4_address', 'ipv6_address'] as const).find((name) => text.includes(own?.[name] ?? '\n'));
    if (address) return ['networks', key, address];
    if (text.includes(project.networks[key]?.name ?? '\n')) return ['networks', key];
  }
  return ['networks'];
}

const stepsOf = <K extends Plan[number]['kind']>(plan: Plan, kind: K): StepOf<K>[] =>
  plan.filter((step): step is StepOf<K> & Plan[number] => step.kind === kind);
