import type { SourceSpan } from '../../common/diagnostic.ts';

/** Attribute path: keys and list indexes, e.g. `['services', 'web', 'ports', 0]`. */
export type AttributePath = readonly (string | number)[];

/** Where the values of the canonical model were written. */
export interface Origins {
  /**
   * Places of a value: the one that decided first, then those it was merged over. A path that was written nowhere
   * (a default) answers with the places of the nearest enclosing object. Takes a path or a JSON pointer.
   */
  spans(path: AttributePath | string): readonly SourceSpan[];
}
