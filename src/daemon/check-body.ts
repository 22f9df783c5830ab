import type { ApiOperation } from '../api/route.ts';
import { canonicalKeys, dropNulls, misfit, type Shape } from '../api/shape.ts';
import { bodyShapes } from '../api/shapes.ts';
import { IechorError } from '../common/error.ts';

/** Returns a JSON body that has the types its operation expects; throws BAD_REQUEST naming the place otherwise. */
export function checkBody(op: ApiOperation, body: Record<string, unknown>): Record<string, unknown> {
  const shape = (bodyShapes as Readonly<Partial<Record<ApiOperation, Shape>>>)[op];
  if (shape === undefined) return body;
  canonicalKeys(body, shape);
  const wrong = misfit(body, shape);
  if (wrong !== undefined) throw new IechorError('BAD_REQUEST', `invalid request body: ${wrong}`);
  dropNulls(body, shape);
  return body;
}
