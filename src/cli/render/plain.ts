import type { StepCommon } from '../../compose/plan/plan.ts';
import { stepWords } from '../../compose/plan/words.ts';
import { plainBuild } from './build-plain.ts';
import type { BuildView } from './build-view.ts';
import type { Renderer, Write } from './renderer.ts';

/** Steps whose end is worth a line even when more follows for the same resource. */
const spoken = new Set(['startContainer', 'restartContainer', 'await']);

/** One line per state change that matters, nothing for what is on the way to it. */
export function plainRenderer(write: Write, options: { readonly output: boolean }): Renderer {
  const last = new Map<string, StepCommon>();
  const waiting = new Set<number>();
  const builds = new Map<number, BuildView>();
  const viewOf = ({ id, label }: StepCommon): BuildView => {
    const view = builds.get(id) ?? plainBuild((line) => options.output && write(` ${label} | ${line}\n`));
    builds.set(id, view);
    return view;
  };
  return {
    announce: (plan) => {
      for (const step of plan) last.set(step.label, step);
    },
    event: ({ step, status, detail, output, build }) => {
      if (status !== 'running') builds.get(step.id)?.end();
      if (build) viewOf(step).take(build);
      else if (output !== undefined) {
        if (options.output) write(` ${step.label} | ${output}\n`);
      } else if (status === 'failed') write(` ${step.label}  Error\n`);
      else if (status === 'done' && (last.get(step.label)?.id === step.id || spoken.has(step.kind))) {
        write(` ${step.label}  ${detail ?? stepWords(step).done}\n`);
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
