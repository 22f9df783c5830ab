import {
  environmentLines,
  imageNames,
  modelNames,
  networkNames,
  profileNames,
  renderConfig,
  renderTree,
  serviceHashes,
  serviceNames,
  variables,
  volumeNames,
} from '../compose/config.ts';
import { explain } from '../compose/explain.ts';
import { plainPrintable } from '../compose/model/printable.ts';
import { toYaml } from '../compose/model/yaml-text.ts';
import { renderLock } from '../compose/pin-images.ts';
import type { Loaded } from '../compose/source/load.ts';
import { explainJson, explainText, sourceText } from './explain-text.ts';
import { renderTable } from './render/table.ts';

/** What `config` was asked for. */
export interface ConfigChoice {
  /** Files below it are named from there. */
  readonly directory: string;
  readonly explain?: string | undefined;
  readonly format?: string | undefined;
  readonly hash?: string | undefined;
  readonly environment: boolean;
  readonly images: boolean;
  readonly 'lock-image-digests': boolean;
  readonly models: boolean;
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
  if (choice['lock-image-digests']) return renderLock(project, choice.format === 'json' ? 'json' : 'yaml');
  if (choice.explain !== undefined) return explanation(loaded, choice.explain, choice);
  if (choice.services) return lines(serviceNames(project));
  if (choice.volumes) return lines(volumeNames(project));
  if (choice.networks) return lines(networkNames(project));
  if (choice.models) return lines(modelNames(project));
  if (choice.images) return lines(imageNames(project));
  if (choice.profiles) return lines(profileNames(project));
  if (choice.hash !== undefined) return lines(serviceHashes(project, choice.hash));
  if (choice.environment) return lines(environmentLines(project));
  if (choice.variables) return variablesText(loaded, choice);
  const form = choice.format === 'json' ? 'json' : 'yaml';
  return choice['no-interpolate'] ? renderTree(loaded.tree, form) : renderConfig(project, form);
}

function explanation(loaded: Loaded, path: string, { format, directory }: ConfigChoice): string {
  const explained = explain(loaded, path);
  if (format === 'json') return explainJson(explained);
  const lines = new Map<string, readonly string[]>();
  const readLine = (file: string, line: number) => {
    const known = lines.get(file) ?? loaded.sources.get(file)?.split(/\r?\n/) ?? [];
    lines.set(file, known);
    return known[line - 1];
  };
  return explainText(explained, { directory, readLine });
}

/** Docker Compose's columns, and a last one of ours: where the value comes from. */
function variablesText(loaded: Loaded, { format, directory }: ConfigChoice): string {
  const all = variables(loaded).map((variable) => {
    const set = loaded.variableSource(variable.name);
    const source = set ?? { kind: variable.defaultValue === '' ? ('unset' as const) : ('default' as const) };
    return { ...variable, source };
  });
  if (format === undefined) {
    const rows = all.map(({ name, required, defaultValue, presenceValue, source }) => [
      name,
      String(required),
      defaultValue,
      presenceValue,
      sourceText(source, directory),
    ]);
    return renderTable(['NAME', 'REQUIRED', 'DEFAULT VALUE', 'ALTERNATE VALUE', 'SOURCE'], rows, { least: 20 });
  }
  const isJson = format === 'json';
  const entries = all.map(({ name, required, defaultValue, presenceValue, source }) => {
    const at = source.kind === 'env-file' && { At: source.at };
    const own = {
      Name: name,
      DefaultValue: defaultValue,
      PresenceValue: presenceValue,
      Required: required,
      ...(isJson && { Source: source.kind, ...at }),
    };
    return [name, isJson ? own : Object.fromEntries(Object.entries(own).map(([k, v]) => [k.toLowerCase(), v]))];
  });
  const whole = Object.fromEntries(entries) as Record<string, unknown>;
  return isJson ? JSON.stringify(whole, null, 4) : toYaml(plainPrintable(whole, 'yaml')).replace(/^( +)/gm, '$1$1');
}
