import { readFileSync } from 'node:fs';
import type { ContainerCreateBody } from '../api/types/container.ts';
import { codeOf, IechorError } from '../common/error.ts';

const profileFile = /^seccomp=(\/.+)$/;

/**
 * The body with the text of the seccomp profiles whose files it names: the engine may be elsewhere, and takes the text.
 * Throws COMPOSE_INVALID for a file that cannot be read or holds no JSON.
 */
export function withSeccompProfiles(body: ContainerCreateBody): ContainerCreateBody {
  const options = body.HostConfig?.SecurityOpt;
  if (!options?.some((option) => profileFile.test(option))) return body;
  return { ...body, HostConfig: { ...body.HostConfig, SecurityOpt: options.map(withText) } };
}

function withText(option: string): string {
  const path = profileFile.exec(option)?.[1];
  if (path === undefined) return option;
  try {
    return `seccomp=${JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))}`;
  } catch (cause) {
    const fault = cause instanceof SyntaxError ? 'is not valid JSON' : `cannot be read (${codeOf(cause)})`;
    throw new IechorError('COMPOSE_INVALID', `the seccomp profile ${path} ${fault}`, { cause, exit: 1 });
  }
}
