import { posix } from 'node:path';
import type { StepContext } from './build-context.ts';
import { ownerIn } from './copy-step.ts';
import { CopyRefused, makeDirectories } from './files/copy-tree.ts';
import { resolveInRoot } from './files/root-path.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { expandIn } from './metadata.ts';
import { solveLayer } from './solve-step.ts';
import { addHistory } from './stage-state.ts';

/** WORKDIR: relative ones follow from the last; the directory is made, for the user of USER. */
export async function solveWorkdir(instruction: InstructionOf<'WORKDIR'>, context: StepContext): Promise<void> {
  const { state } = context;
  const text = expandIn(context, instruction.path);
  const path = text.startsWith('/')
    ? text
    : posix.join('/', state.config.WorkingDir || '/', text).replace(/(.)\/$/, '$1');
  const clean = posix.join('/', path);
  if (/^\/proc(\/|$)/.test(clean)) {
    throw syntaxError(`WORKDIR can not be in /proc: ${clean}`, {
      ...instruction,
      hint: 'A process may start anywhere else.',
    });
  }
  state.config.WorkingDir = path;
  if (clean === '/') {
    addHistory(state, `WORKDIR ${path}`);
    return;
  }
  const user = state.config.User ?? '';
  const execute = async (root: string): Promise<void> => {
    const owner = user === '' ? undefined : ownerIn(root, user, context);
    try {
      makeDirectories(root, resolveInRoot(root, clean), { owner });
    } catch (error) {
      if (!(error instanceof CopyRefused)) throw error;
      throw syntaxError(error.message, { ...instruction, code: 'BUILD_FAILED', cause: error });
    }
  };
  await solveLayer({ canonical: `WORKDIR ${clean}`, parts: { user }, createdBy: `WORKDIR ${path}`, execute }, context);
}
