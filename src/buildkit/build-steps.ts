import type { BuildStepProgress, ProgressMessage } from '../api/types/image.ts';
import type { Progress, Task, WarnedLine } from './progress.ts';

/** Turns the messages of a build into what clients of BuildKit show. */
export interface BuildSteps {
  take(message: ProgressMessage): void;
  /** Ends what has not ended, when the build has. */
  end(error?: string): void;
}

export function createBuildSteps(
  progress: Progress,
  { warnOn, file }: { readonly warnOn: Task; readonly file: WarnedLine['file'] | undefined },
): BuildSteps {
  const tasks = new Map<number, Task>();
  /** The base of a stage is there when something else of the stage happens. */
  const bases = new Map<string, Task>();
  const taskOf = (step: BuildStepProgress): Task => {
    const known = tasks.get(step.step) ?? progress.begin(titleOf(step));
    tasks.set(step.step, known);
    return known;
  };
  const takeStep = (step: BuildStepProgress, { stream = '', error }: ProgressMessage) => {
    if (step.status === 'begun' && !step.inStage) return;
    const isBase = /^FROM\s/i.test(step.instruction);
    if (!isBase) bases.get(step.stage)?.end();
    if (isBase && step.status === 'done') taskOf(step).end();
    else if (isBase) bases.set(step.stage, taskOf(step));
    else if (step.status === 'running') taskOf(step);
    else if (step.status === 'output') taskOf(step).log(step.stderr ? 'stderr' : 'stdout', stream);
    else if (step.status === 'cached') taskOf(step).end({ cached: true });
    else if (step.status === 'done') taskOf(step).end();
    else if (step.status === 'failed' && step.inStage) taskOf(step).end({ error: error ?? 'failed' });
  };
  return {
    take(message) {
      const { iechor, warning, stream = '' } = message;
      const line = warning?.at.line ?? 0;
      if (warning) warnOn.warn(`${warning.rule}: ${warning.message} (line ${line})`, file && { file, line });
      else if (iechor) takeStep(iechor, message);
      else if (stream.startsWith('[Warning] ')) warnOn.warn(stream.trimEnd());
      else if (/^(importing|fetching|exporting) /.test(stream)) progress.begin(stream.trimEnd()).end();
    },
    end(error) {
      for (const task of bases.values()) task.end();
      for (const task of tasks.values()) task.end(error === undefined ? {} : { error });
    },
  };
}

/** `[builder 2/4] RUN make`; without the stage where the build has just one. */
function titleOf({ stage, instruction, inStage }: BuildStepProgress): string {
  if (!inStage) return instruction;
  const { step, total, alone } = inStage;
  return `[${alone ? '' : `${stage} `}${step}/${total}] ${instruction.replaceAll('\n', ' ')}`;
}
