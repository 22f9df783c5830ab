import type { Match } from './router.ts';

/** A request under way. `lasting` ones (streams, waits) are ended at once when the daemon stops. */
export interface Active {
  readonly match: Match;
  readonly controller: AbortController;
  readonly lasting: boolean;
}
