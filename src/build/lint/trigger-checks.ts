import { codeOf } from '../../common/error.ts';
import type { StageNode } from '../graph.ts';
import type { StageInstruction } from '../language/types.ts';
import { parseTrigger } from '../parse.ts';
import type { LintWarning } from './warning.ts';

/** An instruction, and how what is found in it is told. */
export interface Told {
  readonly instruction: StageInstruction;
  readonly tell: (warning: LintWarning) => LintWarning;
}

/**
 * What runs before a stage's own instructions: triggers of its base image, or of the stage it stands on. What is found
 * in one is told at the FROM that brings it. One that cannot be read is left to the build.
 */
export function triggersOf(
  { stage: { from }, base }: StageNode,
  nodes: readonly StageNode[],
  ofImage: readonly string[] = [],
): Told[] {
  const above = 'stage' in base ? (nodes[base.stage]?.stage.instructions ?? []) : [];
  const ofStage = above.flatMap((instruction) => (instruction.name === 'ONBUILD' ? [instruction.trigger] : []));
  return [...ofImage, ...ofStage].flatMap((trigger) => {
    const tell: Told['tell'] = (warning) => ({
      ...warning,
      at: from.at,
      message: `${warning.message} (in "ONBUILD ${trigger}" of ${from.base})`,
    });
    try {
      return [{ instruction: parseTrigger(trigger, from), tell }];
    } catch (error) {
      if (codeOf(error) !== 'BUILD_SYNTAX') throw error;
      return [];
    }
  });
}
