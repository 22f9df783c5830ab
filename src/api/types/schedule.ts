/** One run of a scheduled container. */
export interface ScheduleRun {
  /** RFC 3339: the minute it was for. */
  Due: string;
  Outcome: 'started' | 'ended' | 'skipped' | 'failed';
  /** Empty where it did not start. */
  StartedAt: string;
  /** Empty while it runs. */
  FinishedAt: string;
  ExitCode?: number;
  Why?: string;
}

/** A container that the engine starts by the clock. */
export interface ScheduleSummary {
  Id: string;
  Name: string;
  Labels: Record<string, string>;
  /** As written: `0 3 * * *`. */
  Schedule: string;
  Overlap: 'skip' | 'queue' | 'replace';
  /** RFC 3339; empty where it never comes. */
  Next: string;
  Running: boolean;
  /** The latest last. */
  Runs: ScheduleRun[];
}
