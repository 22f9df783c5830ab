import type { EngineApi } from '../api/engine-api.ts';
import { labels } from './plan/labels.ts';

/** A project as its containers tell it. */
export interface ProjectRow {
  readonly name: string;
  /** `running(2), exited(1)`. */
  readonly status: string;
  readonly configFiles: string;
}

/** Projects that have containers, with the states of these: of those that run, or of all. */
export async function listProjects(
  engine: EngineApi,
  options: { all: boolean; signal: AbortSignal },
): Promise<ProjectRow[]> {
  const { signal } = options;
  const containers = await engine.containerList({
    all: options.all,
    filters: { label: [labels.project, `${labels.oneoff}=False`] },
    signal,
  });
  const byProject = Map.groupBy(containers, (container) => container.Labels[labels.project] ?? '');
  return [...byProject]
    .map(([name, own]) => {
      const states = Map.groupBy(own, ({ State }) => State);
      const files = new Set(own.flatMap(({ Labels }) => (Labels[labels.configFiles] ?? '').split(',').filter(Boolean)));
      return {
        name,
        status: [...states]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([state, list]) => `${state}(${list.length})`)
          .join(', '),
        configFiles: [...files].join(','),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
