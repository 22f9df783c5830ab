import { type Plan, renderPlace, type Step } from './plan.ts';

const signs: Partial<Record<Step['kind'], string>> = {
  pullImage: '>',
  buildImage: '>',
  startContainer: '>',
  unpauseContainer: '>',
  restartContainer: '>',
  stopContainer: '>',
};

/**
 * A plan as differences between the files and what runs, one line for each resource: `+` is made, `~` made anew, `-`
 * removed, `>` brought into another state. Empty for none.
 */
export function renderDifference(plan: Plan, directory = ''): string {
  const lines: string[] = [];
  for (const [target, steps] of Map.groupBy(plan, ({ target }) => target)) {
    const made = steps.find(({ kind }) => kind.startsWith('create'));
    const gone = steps.find(({ kind }) => kind.startsWith('remove'));
    // A network is made again because of what is told where it goes.
    const told =
      (target.startsWith('network:') ? gone : undefined) ??
      made ??
      gone ??
      steps.find(({ kind }) => signs[kind] !== undefined);
    if (!told) continue;
    const sign = made ? (gone ? '~' : '+') : gone ? '-' : '>';
    const first = gone && !made ? (steps[0] ?? told) : told;
    const reason = first.reason === 'not found' || first.reason === 'no container' ? '' : `  ${first.reason}`;
    const place = told.because && reason !== '' ? ` (${renderPlace(told.because, directory)})` : '';
    lines.push(`${sign} ${told.label}${reason}${place}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
