import { codeOf, IechorError } from '../common/error.ts';
import { describeFailure } from './report-error.ts';

/**
 * Does one thing to each object the user named, side by side; prints the name of each that worked and the error of
 * each that did not. Resolves with the exit code. Throws USAGE when nothing was named.
 */
export async function eachTarget(
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
  options: { quiet?: boolean; noun?: string; tolerates?: (code: string | undefined) => boolean } = {},
): Promise<number> {
  if (names.length === 0) throw new IechorError('USAGE', `no ${options.noun ?? 'container'} given`);
  const results = await Promise.allSettled(names.map((name) => act(name)));
  let exit = 0;
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') {
      if (!options.quiet) process.stdout.write(`${names[index]}\n`);
      continue;
    }
    const failure = describeFailure(result.reason, { debug: false, command: 'iechor', usageExit: 1 });
    process.stderr.write(`${failure.text}\n`);
    if (!options.tolerates?.(codeOf(result.reason))) exit = 1;
  }
  return exit;
}
