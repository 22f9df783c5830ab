import type { Service } from '../model/project.ts';

const unitSeconds: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 };

/** After how many seconds an image is pulled again: `daily`, `weekly`, `every_1d12h`. Undefined for other policies. */
export function refreshSeconds({ pull_policy: policy = '' }: Pick<Service, 'pull_policy'>): number | undefined {
  if (policy === 'daily') return 86_400;
  if (policy === 'weekly') return 604_800;
  const span = /^every_((?:\d+[wdhms])+)$/.exec(policy)?.[1];
  if (span === undefined) return undefined;
  return [...span.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit = 's']) => sum + Number(count) * (unitSeconds[unit] ?? 1),
    0,
  );
}
