import { formatSpan } from '../common/diagnostic.ts';
import { shortId } from '../common/id.ts';
import type { StepContext } from './build-context.ts';
import type { BuildStep } from './events.ts';

/** Tells how a step goes: a line as Docker's classic builder prints it, and the same as data. */
export function report(
  context: StepContext,
  status: BuildStep['status'],
  more: { readonly reason?: string; readonly text?: string } = {},
): void {
  const { build, node, instruction, number } = context;
  const step: BuildStep = {
    step: number,
    total: build.counter.total,
    stage: node.label,
    instruction: instruction.source,
    status,
    at: formatSpan(instruction.at),
    ...(more.reason !== undefined && { reason: more.reason }),
    ...(status !== 'running' && status !== 'output' && { ms: Math.round(performance.now() - context.startedAt) }),
  };
  const stream = textOf(context, status, more.text);
  build.emit({ ...(stream !== undefined && { stream }), iechor: step });
}

function textOf(context: StepContext, status: BuildStep['status'], text: string | undefined): string | undefined {
  if (status === 'output') return text;
  if (status === 'cached') return ' ---> Using cache\n';
  if (status !== 'done') return undefined;
  const layer = context.state.chain.at(-1);
  return layer === undefined ? undefined : ` ---> ${shortId(layer)}\n`;
}

/** The line that begins a step. */
export function announce(context: StepContext): void {
  const { build, instruction, number } = context;
  build.emit({ stream: `Step ${number}/${build.counter.total} : ${instruction.source}\n` });
}
