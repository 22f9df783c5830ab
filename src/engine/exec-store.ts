import type { ExecCreateBody } from '../api/types/exec.ts';
import { IechorError } from '../common/error.ts';
import type { ExecHandle } from '../host/runtime-port.ts';

/** A further process of a container, from its creation until some time after its end. In memory only, as Docker's. */
export interface ExecInstance {
  readonly id: string;
  readonly containerId: string;
  readonly body: ExecCreateBody;
  state: 'created' | 'starting' | 'running' | 'ended';
  /** Fulfilled when it runs, or could not be started. */
  readonly started: PromiseWithResolvers<void>;
  handle?: ExecHandle;
  /** That of the process, when it has ended. */
  pid?: number;
  exitCode: number | null;
  endedAt?: number;
}

export interface Execs {
  add(instance: ExecInstance): void;
  /** By id or unambiguous prefix. Throws EXEC_NOT_FOUND. */
  get(id: string): ExecInstance;
  /** What never began in a container that has ended can not begin in its next life. */
  forgetUnstarted(containerId: string): void;
  /** Those of a container that have not ended: what `inspect` shows as ExecIDs. */
  idsOf(containerId: string): string[];
}

/** An ended one can be asked for its exit code for so long. */
const keptMilliseconds = 5 * 60_000;

export function createExecs(): Execs {
  const instances = new Map<string, ExecInstance>();
  const sweep = () => {
    const limit = Date.now() - keptMilliseconds;
    for (const [id, { endedAt }] of instances) if (endedAt !== undefined && endedAt < limit) instances.delete(id);
  };
  return {
    add(instance) {
      sweep();
      instances.set(instance.id, instance);
    },
    get(id) {
      const exact = instances.get(id);
      if (exact) return exact;
      const found = id === '' ? [] : [...instances.values()].filter((one) => one.id.startsWith(id));
      const [only] = found;
      if (found.length === 1 && only) return only;
      throw new IechorError('EXEC_NOT_FOUND', `No such exec instance: ${id}`);
    },
    forgetUnstarted(containerId) {
      for (const [id, one] of instances)
        if (one.containerId === containerId && one.state === 'created') instances.delete(id);
    },
    idsOf: (containerId) =>
      [...instances.values()]
        .filter((one) => one.containerId === containerId && one.state !== 'ended')
        .map(({ id }) => id),
  };
}
