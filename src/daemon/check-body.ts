import type { ApiOperation } from '../api/route.ts';

export function checkBody(_op: ApiOperation, body: Record<string, unknown>): Record<string, unknown> {
  return body;
}
