/** Label keys of Docker Compose, which other tools key on, and our own. */
export const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  configHash: 'com.docker.compose.config-hash',
  number: 'com.docker.compose.container-number',
  oneoff: 'com.docker.compose.oneoff',
  slug: 'com.docker.compose.slug',
  image: 'com.docker.compose.image',
  dependsOn: 'com.docker.compose.depends_on',
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
  workingDir: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
  environmentFile: 'com.docker.compose.project.environment_file',
  replace: 'com.docker.compose.replace',
  version: 'com.docker.compose.version',
  imageBuilder: 'com.docker.compose.image.builder',
  fingerprints: 'io.iechor.compose.fingerprints',
  /** Anonymous volumes taken over from a predecessor: named in the engine's eyes, so they must be removed by name. */
  inherited: 'io.iechor.compose.inherited-volumes',
} as const;

/** A dependency as the `depends_on` label holds it. */
export interface DependencyLabel {
  readonly service: string;
  readonly condition: string;
  readonly restart: boolean;
}

/** `db:service_healthy:false,cache:service_started:true`, sorted by service. */
export function dependencyLabel(dependencies: readonly DependencyLabel[]): string {
  return [...dependencies]
    .sort((a, b) => (a.service < b.service ? -1 : 1))
    .map((entry) => `${entry.service}:${entry.condition}:${entry.restart}`)
    .join(',');
}

/** Reads what `dependencyLabel` and Docker Compose write; parts that are missing take Compose's defaults. */
export function parseDependencyLabel(text: string | undefined): DependencyLabel[] {
  if (!text) return [];
  return text.split(',').map((part) => {
    const [service = '', condition = 'service_started', restart = 'false'] = part.split(':');
    return { service, condition, restart: restart === 'true' };
  });
}
