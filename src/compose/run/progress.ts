import type { ProgressMessage } from '../../api/types/image.ts';
import type { StepCommon } from '../plan/plan.ts';

/** What the executor tells renderers; the only thing they see. */
export interface ProgressEvent {
  readonly step: StepCommon;
  readonly status: 'running' | 'done' | 'skipped' | 'failed';
  /** Replaces the step's usual word: `Healthy`, `Exited`, `Resource is still in use`. */
  readonly detail?: string;
  readonly progress?: { readonly current: number; readonly total: number };
  /** A line of a pull's or hook's output. */
  readonly output?: string;
  /** A message of a build, as the engine sent it. */
  readonly build?: ProgressMessage;
}
export type Sink = (event: ProgressEvent) => void;
