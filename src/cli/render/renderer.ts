import { IechorError } from '../../common/error.ts';
import type { StepCommon } from '../../compose/plan/plan.ts';
import type { ProgressEvent } from '../../compose/run/progress.ts';

/** One way to show progress. All of it goes to one stream, by default standard error. */
export interface Renderer {
  /** A plan is about to run. */
  readonly announce: (plan: readonly StepCommon[]) => void;
  readonly event: (event: ProgressEvent) => void;
  /** A sentence beside the progress. */
  readonly line: (text: string) => void;
  /** Lets something else write to the terminal, above what changes in place. */
  readonly above: (act: () => Promise<void>) => Promise<void>;
  /** What came of it, in one line; for those who asked for progress. */
  readonly summary: (text: string) => void;
  /** Leaves the terminal as it should be; more may follow after it. Idempotent. */
  readonly finish: () => void;
}

export type Write = (text: string) => void;
export type ProgressMode = 'tty' | 'plain' | 'json' | 'quiet';
type Environment = Readonly<Record<string, string | undefined>>;

export interface Terminal {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
}

/** The mode that flags, environment and terminal choose. Throws USAGE for an unknown one, and for `tty` without ANSI. */
export function progressMode(
  choice: { readonly progress?: string | undefined; readonly ansi?: string | undefined },
  environment: Environment,
  isTTY: boolean,
): ProgressMode {
  const asked = choice.progress ?? (environment.IECHOR_PROGRESS || environment.COMPOSE_PROGRESS || 'auto');
  const ansi = choice.ansi ?? environment.COMPOSE_ANSI ?? 'auto';
  if (asked === 'tty' && ansi === 'never')
    throw new IechorError('USAGE', "can't use --progress tty while ANSI support is disabled");
  if (asked === 'plain' || asked === 'json' || asked === 'quiet' || asked === 'tty') return asked;
  if (asked !== 'auto') throw new IechorError('USAGE', `unsupported --progress value "${asked}"`);
  return ansi === 'always' || (isTTY && ansi !== 'never' && !environment.CI) ? 'tty' : 'plain';
}

/** Whether colours are wanted on a stream: `--ansi`, then NO_COLOR, then whether it is a terminal. */
export function wantsColour(ansi: string | undefined, environment: Environment, isTTY: boolean): boolean {
  const choice = ansi ?? environment.COMPOSE_ANSI ?? 'auto';
  if (choice !== 'auto') return choice === 'always';
  return isTTY && !environment.NO_COLOR;
}
