import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf, IechorError, messageOf } from '../common/error.ts';
import type { Environment, Port, ServiceVolume } from '../compose/model/project.ts';
import type { OneOff } from '../compose/run-oneoff.ts';
import { parseDotenv } from '../compose/source/dotenv.ts';
import { splitWords } from '../compose/source/shell-words.ts';
import { composeFlags, labelsOf, pullChoice } from './compose-flags.ts';
import { envFlag } from './env-flag.ts';
import { Flags } from './flags.ts';
import { parsePublish } from './parse-ports.ts';
import { windowSize } from './window-size.ts';

const yes = (summary: string) => Flags.boolean({ summary });
const many = (summary: string) => Flags.string({ summary, multiple: true, multipleNonGreedy: true });

export const runFlags = {
  build: yes('Build the image before the start'),
  'cap-add': many('Add a Linux capability'),
  'cap-drop': many('Drop a Linux capability'),
  detach: Flags.boolean({ char: 'd', summary: 'Run in the background and print the name of the container' }),
  entrypoint: Flags.string({ summary: "In place of the image's entrypoint" }),
  env: Flags.string({ char: 'e', summary: 'Set an environment variable', multiple: true, multipleNonGreedy: true }),
  'env-from-file': many('Set the environment variables of a file'),
  interactive: Flags.boolean({ char: 'i', summary: 'Keep standard input open', default: true, allowNo: true }),
  label: Flags.string({
    char: 'l',
    aliases: ['labels'],
    summary: 'Add a label',
    multiple: true,
    multipleNonGreedy: true,
  }),
  name: Flags.string({ summary: 'Name of the container' }),
  'no-deps': yes('Leave alone what the service depends on'),
  'no-tty': Flags.boolean({ char: 'T', aliases: ['no-TTY'], summary: 'No terminal, even where there is one' }),
  tty: Flags.boolean({ char: 't', summary: 'A terminal (where there is one, always so)', hidden: true }),
  publish: Flags.string({ char: 'p', summary: 'Publish a port', multiple: true, multipleNonGreedy: true }),
  pull: composeFlags.pull,
  quiet: { ...composeFlags.quiet, summary: 'Show no progress' },
  'quiet-build': yes('Show no progress of builds'),
  'quiet-pull': yes('Show no progress of pulls'),
  'remove-orphans': yes('Remove containers of services that are not in the project'),
  rm: yes('Remove the container when it ends'),
  'service-ports': Flags.boolean({ char: 'P', summary: "Publish the service's own ports" }),
  'use-aliases': yes("Answer to the service's names on its networks"),
  user: Flags.string({ char: 'u', summary: 'User or uid[:group or gid]' }),
  volume: Flags.string({
    char: 'v',
    aliases: ['volumes'],
    summary: 'Mount a volume or a path',
    multiple: true,
    multipleNonGreedy: true,
  }),
  workdir: Flags.string({ char: 'w', summary: 'Working directory' }),
};

interface RunFlagValues {
  readonly build: boolean;
  readonly 'cap-add'?: readonly string[] | undefined;
  readonly 'cap-drop'?: readonly string[] | undefined;
  readonly 'env-from-file'?: readonly string[] | undefined;
  readonly detach: boolean;
  readonly entrypoint?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly interactive: boolean;
  readonly label?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly 'no-deps': boolean;
  readonly 'no-tty'?: boolean | undefined;
  readonly tty?: boolean | undefined;
  readonly publish?: readonly string[] | undefined;
  readonly pull?: string | undefined;
  readonly 'remove-orphans': boolean;
  readonly rm: boolean;
  readonly 'service-ports': boolean;
  readonly 'use-aliases': boolean;
  readonly user?: string | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly workdir?: string | undefined;
}

/** `run`'s command line as what the library takes. Throws USAGE for flags that exclude each other. */
export function oneOffOf(
  flags: RunFlagValues,
  {
    service,
    command,
    isTTY,
    fileEnvironment,
    projectEnvironment,
  }: {
    service: string;
    command: readonly string[];
    isTTY: boolean;
    fileEnvironment: Environment;
    projectEnvironment: Readonly<Record<string, string | undefined>>;
  },
): OneOff {
  if (flags['service-ports'] && flags.publish?.length)
    throw new IechorError('USAGE', '--service-ports and --publish are incompatible');
  return {
    service,
    command,
    entrypoint: flags.entrypoint === undefined ? undefined : (splitWords(flags.entrypoint) ?? [flags.entrypoint]),
    environment: { ...fileEnvironment, ...passedOn(flags.env, projectEnvironment) },
    capAdd: flags['cap-add'] ?? [],
    capDrop: flags['cap-drop'] ?? [],
    labels: labelsOf(flags.label),
    name: flags.name,
    user: flags.user,
    workdir: flags.workdir,
    volumes: (flags.volume ?? []).map(volumeOf),
    ports: portsOf(flags.publish ?? []),
    servicePorts: flags['service-ports'],
    useAliases: flags['use-aliases'],
    tty: wantsTerminal(flags, isTTY),
    interactive: flags.interactive,
    detach: flags.detach,
    autoRemove: flags.rm,
    dependencies: !flags['no-deps'],
    build: flags.build,
    removeOrphans: flags['remove-orphans'],
    ignoreOrphans: envFlag(projectEnvironment.COMPOSE_IGNORE_ORPHANS) === true,
    consoleSize: windowSize(),
    pull: pullChoice(flags.pull),
  };
}

/** Throws USAGE where a terminal was asked for by name and standard input is none. */
function wantsTerminal(flags: RunFlagValues, isTTY: boolean): boolean {
  const { tty = flags['no-tty'] === undefined ? undefined : !flags['no-tty'] } = flags;
  if (tty && flags.interactive && !flags.detach && !process.stdin.isTTY)
    throw new IechorError('USAGE', 'cannot attach stdin to a TTY-enabled container because stdin is not a terminal', {
      hint: 'use -T',
    });
  return tty ?? isTTY;
}

/** `-e` entries; a name alone has the project's value of it (shell, `--env-file`, `.env`), or changes nothing. */
function passedOn(
  entries: readonly string[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Environment {
  return Object.fromEntries(
    (entries ?? []).flatMap((entry) => {
      const at = entry.indexOf('=');
      const value = at < 0 ? environment[entry] : entry.slice(at + 1);
      return value === undefined ? [] : [[at < 0 ? entry : entry.slice(0, at), value]];
    }),
  );
}

/** Variables of `--env-from-file`, in the format of `env_file`. Throws USAGE for a file that cannot be read. */
export function readEnvironmentFiles(
  paths: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Environment {
  const variables = new Map<string, string>();
  for (const path of paths) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      throw new IechorError('USAGE', `--env-from-file ${path} cannot be read: ${codeOf(cause) ?? messageOf(cause)}`, {
        cause,
      });
    }
    const error = parseDotenv({ name: path, text }, variables, { lookup: (name) => environment[name] });
    if (error) throw new IechorError('COMPOSE_ENV_FILE', `${path}: ${error.message}`);
  }
  return Object.fromEntries(variables);
}

function portsOf(specs: readonly string[]): Port[] {
  return Object.entries(parsePublish(specs).bindings).flatMap(([key, bindings]) => {
    const [target = '', protocol = 'tcp'] = key.split('/');
    return (bindings ?? []).map(({ HostIp, HostPort }) => ({
      target: Number(target),
      protocol,
      mode: 'ingress',
      ...(HostIp && { host_ip: HostIp }),
      ...(HostPort && { published: HostPort }),
    }));
  });
}

/** `[source:]target[:ro]`; a source with a slash or a dot in front is a path. */
function volumeOf(spec: string): ServiceVolume {
  const parts = spec.split(':');
  if (parts.length === 1) return { type: 'volume', target: spec };
  const [source = '', target = '', options = ''] = parts;
  const read = options.split(',').includes('ro') ? { read_only: true } : {};
  if (!/^[./~]/.test(source)) return { type: 'volume', source, target, ...read };
  const home = process.env.HOME ?? '/root';
  return {
    type: 'bind',
    source: resolve(source.replace(/^~(?=\/|$)/, home)),
    target,
    ...read,
    bind: { create_host_path: true },
  };
}
