import type { PlannedSource } from './files/plan-copy.ts';

/** What an address gives: its digest at once, its files when a step needs them. */
export interface Download {
  readonly digest: string;
  open(): Promise<readonly PlannedSource[]>;
}
