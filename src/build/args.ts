import { expandAt } from './graph.ts';
import type { BuildFile } from './language/types.ts';
import type { Platform } from './stage-state.ts';

/** Given to RUN when set, without declaration, and part of neither keys nor history. */
const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];
export const isProxyName = (name: string): boolean =>
  proxyNames.includes(name.toUpperCase()) && /^([A-Z_]+|[a-z_]+)$/.test(name);

/** Proxy settings given with the build, in upper and lower case both, since programs look for either. */
export function proxyEnv(args: Readonly<Record<string, string | null>> | undefined): Map<string, string> {
  const env = new Map<string, string>();
  for (const [name, value] of givenArgs(args)) {
    if (!isProxyName(name)) continue;
    env.set(name.toUpperCase(), value);
    env.set(name.toLowerCase(), value);
  }
  return env;
}

export type GivenArgs = ReadonlyMap<string, string>;

/** Values given with the request; null means that the client had none. */
export function givenArgs(args: Readonly<Record<string, string | null>> | undefined): GivenArgs {
  return new Map(
    Object.entries(args ?? {}).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const])),
  );
}

/** Variables for FROM: the platform's, and ARG before the first FROM. */
export function globalArgs(
  file: BuildFile,
  given: GivenArgs,
  options: { readonly target: Platform; readonly host: Platform; readonly stage: string },
): Map<string, string> {
  const globals = new Map([...platformArgs('TARGET', options.target), ...platformArgs('BUILD', options.host)]);
  globals.set('TARGETSTAGE', options.stage);
  for (const name of globals.keys()) {
    const value = given.get(name);
    if (value !== undefined) globals.set(name, value);
  }
  for (const instruction of file.globalArgs) {
    for (const { key, value } of instruction.args) {
      const expanded =
        given.get(key) ??
        (value === undefined
          ? undefined
          : expandAt(value, { file, at: instruction, lookup: (name) => globals.get(name) }));
      if (expanded !== undefined) globals.set(key, expanded);
    }
  }
  return globals;
}

function platformArgs(prefix: string, platform: Platform): [string, string][] {
  const { os, architecture, variant } = platform;
  return [
    [`${prefix}PLATFORM`, [os, architecture, variant].filter(Boolean).join('/')],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant ?? ''],
  ];
}
