/** What the user asked for: the flags of `up`, `create`, `scale` and `run`, typed. */
export interface UpIntent {
  /** Named services; none: all. */
  readonly services: readonly string[];
  /** With what they depend on (`--no-deps`: false). */
  readonly dependencies: boolean;
  /** Replace running containers some at a time: as the file says (default), also where it says nothing, or never. */
  readonly rolling?: 'file' | 'always' | 'never' | undefined;
  readonly recreate: 'diverged' | 'force' | 'never';
  /** Recreate also what the named services depend on (`--always-recreate-deps`). */
  readonly recreateDependencies: boolean;
  readonly renewAnonymousVolumes: boolean;
  readonly removeOrphans: boolean;
  /** Say nothing about orphans (COMPOSE_IGNORE_ORPHANS). */
  readonly ignoreOrphans: boolean;
  /** False: only the images, networks and volumes the services need (`run`). */
  readonly containers: boolean;
  /** False: `create`, `up --no-start`. */
  readonly start: boolean;
  readonly wait: boolean;
  readonly waitTimeoutSeconds?: number | undefined;
  /** Grace period of stops; undefined: each container's own. */
  readonly timeoutSeconds?: number | undefined;
  readonly build: 'missing' | 'always' | 'never';
  /** Leave what a failed run made as it is, to look at it. */
  readonly keepFailed?: boolean | undefined;
  /** `--pull`; undefined: each service's pull_policy. */
  readonly pull?: 'always' | 'missing' | 'never' | undefined;
}

export const plainUp: UpIntent = {
  services: [],
  dependencies: true,
  recreate: 'diverged',
  recreateDependencies: false,
  renewAnonymousVolumes: false,
  removeOrphans: false,
  ignoreOrphans: false,
  containers: true,
  start: true,
  wait: false,
  build: 'missing',
};
