import { hook } from './attributes-parts.ts';
import { listOf, object } from './rows.ts';
import type { Spec } from './spec.ts';

// What `x-iechor` may hold, by the place it stands in; docs/x-iechor.md explains it. It is checked like the rest of the
// file and stays in the model as it was written, for `config` to print it and for other tools to pass over it.

export const serviceExtension: Spec = object(
  { pre_start: listOf(hook()) },
  { closed: true, accept: ['object', 'null'] },
);

/** For places that have no attributes of ours. */
export const noExtension: Spec = object({}, { closed: true, accept: ['object', 'null'] });
