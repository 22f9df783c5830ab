import { join } from 'node:path';
import { type KernelFacts, readKernelFacts } from '../host/kernel-facts.ts';
import type { ExitStatus } from '../host/runtime-port.ts';
import { createSeccompCompiler, type SeccompCompiler } from '../host/seccomp-bpf.ts';
import { type AppArmor, createAppArmor } from './apparmor.ts';
import type { ContainerRecord } from './container-record.ts';
import type { EngineContext } from './context.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import type { Forward } from './logging/forward.ts';
import { createWaiters, type Waiters } from './waiters.ts';

/** What a daemon keeps in memory about the containers it looks after; all of it is found again by recovery. */
export interface Life {
  readonly facts: KernelFacts;
  readonly apparmor: AppArmor;
  readonly seccomp: SeccompCompiler;
  /** Exit watches by container. */
  readonly watches: Map<string, AbortController>;
  /** Health probes by container. */
  readonly probes: Map<string, AbortController>;
  /** Restarts to come by container, and the delay of the last one. */
  readonly restarts: Map<string, NodeJS.Timeout>;
  readonly delays: Map<string, number>;
  readonly removed: Waiters<number>;
  /** Ends of the process, also those that are followed by a restart; a start that a policy tried in vain is one. */
  readonly died: Waiters<ExitStatus>;
  /** What attached clients have still to be handed. */
  readonly deliveries: Deliveries;
  /** Exit codes of the last containers that removed themselves, for clients that ask for them a moment later. */
  readonly passed: Map<string, number>;
  /** Containers that are not removed at their end, since a restart is under way. */
  readonly keeping: Set<string>;
  /** Readers of the roots of containers that may not run. */
  readonly holds: Map<string, number>;
  /** Called when a process has ended (exit.ts, given here so that a start need not know what follows an end). */
  readonly onEnd: EndHandler;
  /** Called when a container has become unhealthy. */
  readonly onUnhealthy: UnhealthyHandler;
  /** Logs that are sent elsewhere, by container. */
  readonly forwards: Map<string, Forward>;
  closing: boolean;
}

export type EndHandler = (context: LifeContext, id: string, exit: ExitStatus) => Promise<void>;

export type UnhealthyHandler = (context: LifeContext, record: ContainerRecord) => void;

export interface LifeContext extends EngineContext {
  readonly life: Life;
}

/** A context with a memory of its own. */
export function withLife(
  context: EngineContext,
  onEnd: EndHandler,
  onUnhealthy: UnhealthyHandler = () => undefined,
): LifeContext {
  return { ...context, life: createLife(context, { onEnd, onUnhealthy }) };
}

function createLife(context: EngineContext, handlers: Pick<Life, 'onEnd' | 'onUnhealthy'>): Life {
  return {
    facts: readKernelFacts(),
    apparmor: createAppArmor(context.log),
    seccomp: createSeccompCompiler(join(context.roots.execRoot, 'seccomp')),
    watches: new Map(),
    probes: new Map(),
    restarts: new Map(),
    delays: new Map(),
    removed: createWaiters(),
    died: createWaiters(),
    deliveries: createDeliveries(),
    passed: new Map(),
    keeping: new Set(),
    holds: new Map(),
    forwards: new Map(),
    ...handlers,
    closing: false,
  };
}
