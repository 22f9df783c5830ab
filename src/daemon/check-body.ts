import { fieldShapes } from '../api/field-shapes.ts';
import type { ApiOperation } from '../api/route.ts';
import { canonicalForm, misfit, type Shape, settleNulls } from '../api/shape.ts';
import { bodyShapes } from '../api/shapes.ts';
import { IechorError } from '../common/error.ts';

/** Returns a JSON body that has the types its operation expects; throws BAD_REQUEST naming the place otherwise. */
export function checkBody(op: ApiOperation, body: Record<string, unknown>): Record<string, unknown> {
  const shape = (bodyShapes as Readonly<Partial<Record<ApiOperation, Shape>>>)[op];
  if (shape === undefined) return body;
  canonicalForm(body, shape);
  ensureFits(body, shape, 'request body');
  return body;
}

/** The same for what travels as JSON in the query. */
export function checkFields(op: ApiOperation, fields: Readonly<Record<string, unknown>>): void {
  const shapes = (fieldShapes as Readonly<Partial<Record<ApiOperation, Readonly<Record<string, Shape>>>>>)[op];
  for (const [name, shape] of Object.entries(shapes ?? {})) ensureFits(fields[name], shape, `query parameter ${name}`);
}

function ensureFits(value: unknown, shape: Shape, what: string): void {
  const wrong = misfit(value, shape);
  if (wrong !== undefined) throw new IechorError('BAD_REQUEST', `invalid ${what}: ${wrong}`);
  settleNulls(value, shape);
}
