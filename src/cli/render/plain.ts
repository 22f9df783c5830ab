import type { StepCommon } from '../../compose/plan/plan.ts';
import { stepWords } from '../../compose/plan/words.ts';
import { plainBuild } from './build-plain.ts';
import type { BuildView } from './build-view.ts';
import type { Renderer, Write } from './renderer.ts';

/** Steps whose end is worth a line even when more follows for the same resource. */
const spoken = new Set(['startContainer', 'restartContainer', 'await', 'removeNetwork']);
/** These, too, where no other container takes this one's place. */
const spokenOfOne = new Set(['createContainer', 'stopContainer']);

/** One line per state that Docker Compose tells of, and for a container that another one replaces its last. */
export function plainRenderer(write: Write, options: { readonly output: boolean }): Renderer {
  const last = new Map<string, StepCommon>();
  const replaced = new Set<string>();
  const waiting = new Set<number>();
  const builds = new Map<number, BuildView>();
  const isTold = ({ id, kind, label }: StepCommon) =>
    last.get(label)?.id === id || spoken.has(kind) || (spokenOfOne.has(kind) && !replaced.has(label));
  const viewOf = ({ id, label }: StepCommon): BuildView => {
    const view = builds.get(id) ?? plainBuild((line) => options.output && write(` ${label} | ${line}\n`));
    builds.set(id, view);
    return view;
  };
  return {
    announce: (plan) => {
      for (const step of plan) {
        last.set(step.label, step);
        if (step.kind === 'renameContainer') replaced.add(step.label);
      }
    },
    event: ({ step, status, detail, output, build }) => {
      if (status !== 'running') builds.get(step.id)?.end();
      if (build) viewOf(step).take(build);
      else if (output !== undefined) {
        if (options.output) write(` ${step.label} | ${output}\n`);
      } else if (status === 'failed') write(` ${step.label}  Error\n`);
      else if (status === 'done' && isTold(step)) {
        write(` ${step.label}  ${detail ?? stepWords(step).done}\n`);
      } else if (status === 'running' && step.kind === 'restartContainer') {
        write(` ${step.label}  ${stepWords(step).doing}\n`);
      } else if (status === 'running' && step.kind === 'await' && !waiting.has(step.id)) {
        waiting.add(step.id);
        write(` ${step.label}  Waiting: ${step.reason}\n`);
      }
    },
    line: (text) => write(`${text}\n`),
    above: (act) => act(),
    summary: (text) => write(`${text}\n`),
    finish: () => {},
  };
}

/** Says nothing but what the user must read. */
export function quietRenderer(write: Write): Renderer {
  return {
    announce: () => {},
    event: () => {},
    line: (text) => write(`${text}\n`),
    above: (act) => act(),
    summary: () => {},
    finish: () => {},
  };
}
