import { formatDiagnostic } from '../../src/common/diagnostic.ts';
import { isIechorError } from '../../src/common/error.ts';
import { renderConfig } from '../../src/compose/config.ts';
import { load } from '../../src/compose/source/load.ts';
import { mutate } from './mutate.ts';
import { randomOf } from './random-project.ts';

/** The text of a round: the same for the same seed, round and originals. */
export function mutated(originals: readonly string[], seed: number, round: number): string {
  const random = randomOf(seed * 1_000_003 + round);
  return mutate(originals[random(originals.length)] as string, random, originals);
}

/**
 * Reads a text as a project in `directory` and prints it, or prints what is wrong with it. Throws for anything but
 * findings: an error without a code, findings without a sentence.
 */
export async function readAndPrint(text: string, directory: string): Promise<'accepted' | 'refused'> {
  try {
    const environment = { HOME: '/home/me', A: 'a value', TAG: '1' };
    const { project, diagnostics } = await load({ cwd: directory, files: ['-'], stdin: async () => text, environment });
    for (const form of ['yaml', 'json'] as const) renderConfig(project, form);
    for (const diagnostic of diagnostics) formatDiagnostic(diagnostic, () => 'line');
    return 'accepted';
  } catch (error) {
    if (!isIechorError(error)) throw error;
    if (error.diagnostics.length === 0) throw new Error(`no findings: ${error.message}`);
    for (const diagnostic of error.diagnostics) {
      if (!formatDiagnostic(diagnostic, () => 'line').trim() || diagnostic.message === '')
        throw new Error(`a finding without a sentence: ${JSON.stringify(diagnostic)}`);
    }
    return 'refused';
  }
}
