import {
  environmentLines,
  imageNames,
  networkNames,
  profileNames,
  renderConfig,
  renderTree,
  serviceHashes,
  serviceNames,
  variables,
  volumeNames,
} from '../compose/config.ts';
import type { Loaded } from '../compose/source/load.ts';
import { renderTable } from './render/table.ts';

/** What `config` was asked for. */
export interface ConfigChoice {
  readonly format: string;
  readonly hash?: string | undefined;
  readonly environment: boolean;
  readonly images: boolean;
  readonly networks: boolean;
  readonly profiles: boolean;
  readonly services: boolean;
  readonly variables: boolean;
  readonly volumes: boolean;
  readonly 'no-interpolate': boolean;
}

/** The lines or the document that `config`'s flags choose. */
export function configText(loaded: Loaded, choice: ConfigChoice): string {
  const { project } = loaded;
  const lines = (names: readonly string[]) => names.join('\n');
  if (choice.services) return lines(serviceNames(project));
  if (choice.volumes) return lines(volumeNames(project));
  if (choice.networks) return lines(networkNames(project));
  if (choice.images) return lines(imageNames(project));
  if (choice.profiles) return lines(profileNames(project));
  if (choice.hash !== undefined) return lines(serviceHashes(project, choice.hash));
  if (choice.environment) return lines(environmentLines(project));
  if (choice.variables) return variablesTable(loaded);
  const form = choice.format === 'json' ? 'json' : 'yaml';
  return choice['no-interpolate'] ? renderTree(loaded.tree, form) : renderConfig(project, form);
}

function variablesTable(loaded: Loaded): string {
  const rows = variables(loaded).map(({ name, required, defaultValue, presenceValue }) => [
    name,
    String(required),
    defaultValue ?? '',
    presenceValue ?? '',
  ]);
  return renderTable(['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE'], rows);
}
