import type { Rules, Spec } from './spec.ts';

export type Column = 'unique' | 'canonical' | 'default' | 'path' | 'check';

/**
 * The part of the table that leads to rules of one column: a stage walks along it and never looks at the rest of a
 * project. Undefined where there are none below.
 */
export function prune(spec: Spec, column: Column): Spec | undefined {
  const fields = new Map<string, Spec>();
  for (const [name, field] of spec.fields ?? []) {
    const kept = prune(field, column);
    if (kept) fields.set(name, kept);
  }
  const values = spec.values && prune(spec.values, column);
  const items = spec.items && prune(spec.items, column);
  const rule: Rules = spec[column] === undefined ? {} : { [column]: spec[column] };
  if (fields.size === 0 && !values && !items && spec[column] === undefined) return undefined;
  const { kind, accept } = spec;
  return {
    kind,
    accept,
    ...rule,
    ...(fields.size > 0 && { fields }),
    ...(values && { values }),
    ...(items && { items }),
  };
}

export type Tables = Readonly<Record<Column, Spec>>;

/** The table cut to each column that a stage walks by. */
export function tablesOf(spec: Spec): Tables {
  const cut = (column: Column): Spec => prune(spec, column) ?? { kind: spec.kind, accept: spec.accept };
  return {
    unique: cut('unique'),
    canonical: cut('canonical'),
    default: cut('default'),
    path: cut('path'),
    check: cut('check'),
  };
}
