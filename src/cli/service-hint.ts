import { codeOf, messageOf } from '../common/error.ts';
import { projectNames } from './complete/project-names.ts';

type Files = Parameters<typeof projectNames>[0];

/** The services of the project here, by the look of its files. */
export const servicesHere = (globals: Files = { files: [] }): readonly string[] =>
  projectNames(globals, { cwd: process.cwd(), environment: process.env }).services;

/** The service of the project here that was taken for a container, and is none; undefined for any other error. */
export function mistakenService(error: unknown, globals?: Files): string | undefined {
  const name = codeOf(error) === 'CONTAINER_NOT_FOUND' ? /^No such container: (\S+)$/.exec(messageOf(error)) : null;
  return name?.[1] !== undefined && servicesHere(globals).includes(name[1]) ? name[1] : undefined;
}

/** What to do about such an error. */
export function serviceHint(error: unknown): string | undefined {
  const name = mistakenService(error);
  return name && `${name} is a service of the project here: commands for services begin with "iechor compose"`;
}
