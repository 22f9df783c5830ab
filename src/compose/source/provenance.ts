import type { SourceSpan } from '../../common/diagnostic.ts';
import { type Place, type SourceFile, spanOf } from './node.ts';

/** Where the value of a variable comes from. */
export type VariableSource =
  | { readonly kind: 'shell' }
  /** What the tool itself sets, as COMPOSE_PROJECT_NAME. */
  | { readonly kind: 'project' }
  | { readonly kind: 'env-file'; readonly at: SourceSpan };

type Environment = ReadonlyMap<string, string>;

/** A value as it was written, before its variables were replaced. */
export interface Template {
  readonly text: string;
  readonly environment: Environment;
}

/** Remembers, while a project is read, what nobody could tell from the result. */
export interface Provenance {
  /** Says where the variables of an environment were written; the others are the shell's. */
  setPlaces(environment: Environment, places: ReadonlyMap<string, Place>): void;
  placesOf(environment: Environment): ReadonlyMap<string, Place>;
  /** A template that was replaced, by the place of its value. */
  addTemplate(at: Place, template: Template): void;
  templateAt(at: Place): Template | undefined;
  /** Names that the tool sets. */
  readonly own: Set<string>;
  /** Places of variables and labels that a service's files brought: by service, attribute and name. */
  readonly fromFiles: Map<string, Place>;
  sourceOf(environment: Environment, name: string): VariableSource | undefined;
  /** Every environment that was used, the project's own first. */
  readonly environments: Set<Environment>;
}

/** Key of `fromFiles`. */
export const fileKey = (service: string, attribute: string, name: string): string =>
  [service, attribute, name].join('\n');

export function createProvenance(): Provenance {
  const places = new Map<Environment, ReadonlyMap<string, Place>>();
  const templates = new Map<SourceFile, Map<number, Template>>();
  const own = new Set<string>();
  const placesOf = (environment: Environment) => places.get(environment) ?? new Map<string, Place>();
  return {
    own,
    environments: new Set(),
    fromFiles: new Map(),
    placesOf,
    setPlaces: (environment, written) => places.set(environment, written),
    addTemplate(at, template) {
      const ofFile = templates.get(at.file) ?? new Map<number, Template>();
      templates.set(at.file, ofFile);
      ofFile.set(at.start, template);
    },
    templateAt: (at) => templates.get(at.file)?.get(at.start),
    sourceOf(environment, name) {
      if (!environment.has(name)) return undefined;
      const place = placesOf(environment).get(name);
      if (place) return { kind: 'env-file', at: spanOf(place) };
      return { kind: own.has(name) ? 'project' : 'shell' };
    },
  };
}
