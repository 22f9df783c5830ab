import type { Desired } from './desired.ts';
import type { UpIntent } from './intent.ts';
import { labels } from './labels.ts';
import type { Observed } from './observe.ts';
import type { Removals } from './removals.ts';

interface OrphanContext {
  readonly desired: Desired;
  readonly observed: Observed;
  readonly intent: Pick<UpIntent, 'removeOrphans' | 'ignoreOrphans'>;
  readonly plan: Removals;
  readonly notices: string[];
}

/**
 * Containers of services the project does not have, and one-off ones that have ended. They are removed when asked to,
 * but never those that another directory's project of the same name made.
 */
export function planOrphans({ desired, observed, intent, plan, notices }: OrphanContext): void {
  const { project } = desired;
  const orphans = observed.containers.filter(({ service, oneoff, state }) =>
    oneoff
      ? state === 'exited' || state === 'dead'
      : !Object.hasOwn(project.services, service) && !Object.hasOwn(project.disabledServices, service),
  );
  const left: string[] = [];
  for (const orphan of orphans) {
    const directory = orphan.labels[labels.workingDir];
    const foreign = directory !== undefined && directory !== project.workingDirectory;
    if (intent.removeOrphans && !foreign)
      plan.add(orphan, {
        reason: orphan.oneoff ? 'made by run, and ended' : `no service ${orphan.service} in the project`,
        volumes: false,
      });
    else left.push(foreign ? `${orphan.name} (from ${directory})` : orphan.name);
  }
  if (left.length === 0 || intent.ignoreOrphans) return;
  const hint = intent.removeOrphans
    ? 'they were made from another directory; use another project name (-p), or remove them from there'
    : 'their services were removed or renamed, or run left them: --remove-orphans removes them';
  notices.push(`Found orphan containers ([${left.join(' ')}]) for this project; ${hint}`);
}
