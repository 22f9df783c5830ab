import { startHook } from './attributes-parts.ts';
import { any, bool, duration, int, listOf, object, text } from './rows.ts';
import type { Spec } from './spec.ts';

// What `x-iechor` may hold, by the place it stands in; docs/x-iechor.md explains it. It is checked like the rest of the
// file and stays in the model as it was written, for `config` to print it and for other tools to pass over it.

const healthcheck = object(
  {
    tcp: int(),
    http: text(),
    status: any({ accept: ['integer', 'string'] }),
    interval: duration(),
    timeout: duration(),
    retries: int(),
    start_period: duration(),
    start_interval: duration(),
  },
  { closed: true },
);

const schedule = object(
  { cron: text(), overlap: text({ oneOf: ['skip', 'queue', 'replace'] }) },
  { accept: ['string', 'object'], closed: true },
);

export const serviceExtension: Spec = object(
  { pre_start: listOf(startHook), healthcheck, 'restart-unhealthy': bool(), schedule },
  { closed: true, accept: ['object', 'null'] },
);

export const modelExtension: Spec = object({ endpoint: text() }, { closed: true, accept: ['object', 'null'] });

/** For places that have no attributes of ours. */
export const noExtension: Spec = object({}, { closed: true, accept: ['object', 'null'] });
