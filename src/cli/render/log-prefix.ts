/** Cyan, yellow, green, magenta, blue, then the same bold. */
const palette = ['36', '33', '32', '35', '34', '1;36', '1;33', '1;32', '1;35', '1;34'];

/** The colour of a service: from its name, so that it is the same in every run. An ANSI code. */
export function serviceColour(service: string): string {
  let hash = 0x811c9dc5;
  for (const char of service) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return palette[((hash ^ (hash >>> 15)) >>> 0) % palette.length] as string;
}

export interface PrefixOptions {
  readonly colour: boolean;
  /** `--no-log-prefix`: false. */
  readonly prefix: boolean;
  /** Short names that are known beforehand; prefixes are as wide as the longest. */
  readonly names?: readonly string[] | undefined;
}

/** Writes prefixes such as `web-1  | `, padded to the longest name so far. */
export function createPrefixer(
  project: string,
  options: PrefixOptions,
): (from: { name: string; service: string }) => string {
  let width = Math.max(0, ...(options.names ?? []).map(({ length }) => length));
  return ({ name, service }) => {
    if (!options.prefix) return '';
    const short = shortName(project, { name, service });
    width = Math.max(width, short.length);
    const text = `${short.padEnd(width)}  | `;
    return options.colour ? `\x1b[${serviceColour(service)}m${text}\x1b[0m` : text;
  };
}

/** A container's name without the project's; names that somebody chose are shown whole. */
export function shortName(project: string, { name, service }: { name: string; service: string }): string {
  const short = name.slice(project.length + 1);
  const isOurs = /^[-_]\d+$/.test(short.slice(service.length)) && short.startsWith(service);
  return isOurs && name.startsWith(project) ? short : name;
}
