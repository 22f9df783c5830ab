import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf } from '../common/error.ts';
import type { Build } from './model/project.ts';
import type { Desired } from './plan/desired.ts';
import { familiarReference } from './plan/names.ts';

const maxBuildFileBytes = 1024 * 1024;

/**
 * The project with what its build files say they are `FROM`, so that an image of one service comes before those that
 * are built on it. A build file that cannot be read says nothing here; its build will tell.
 */
export function withBases(desired: Desired): Desired {
  const bases = new Map<string, ReadonlySet<string>>();
  for (const { name, service } of desired.services.values()) {
    if (service.build) bases.set(name, new Set(basesOf(service.build).map(familiarReference)));
  }
  return { ...desired, bases };
}

function basesOf(build: Build): string[] {
  const text = build.dockerfile_inline ?? textOf(build);
  const values: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^\s*ARG\s+(\w+)=(\S+)/gim)) {
    values[name] ??= value.replace(/^(["'])(.*)\1$/, '$2');
  }
  for (const [name, value] of Object.entries(build.args ?? {})) if (value != null) values[name] = String(value);
  const froms = text.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)/gim);
  return [...froms].map(([, image = '']) =>
    image.replace(/\$\{?(\w+)(?::-[^}]*)?\}?/g, (_, name) => values[name] ?? ''),
  );
}

function textOf({ context = '.', dockerfile = 'Dockerfile' }: Build): string {
  const path = resolve(context, dockerfile);
  try {
    return statSync(path).size > maxBuildFileBytes ? '' : readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return '';
  }
}
