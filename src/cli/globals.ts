import { IechorError } from '../common/error.ts';

/** Flags given before the command, as `iechor -H unix:///x compose -f a.yaml up`. */
export interface Globals {
  readonly host?: string;
  /** Name of a context, in place of an address. */
  readonly context?: string;
  /** For tcp://. `on` is --tls, which alone does not verify the engine's certificate. */
  readonly tls?: {
    readonly on?: boolean;
    readonly verify?: boolean;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly debug: boolean;
  /** Docker's configuration directory (credentials). */
  readonly config?: string;
  readonly files: readonly string[];
  readonly projectName?: string;
  readonly projectDirectory?: string;
  readonly profiles: readonly string[];
  readonly envFiles: readonly string[];
  readonly progress?: string;
  readonly ansi?: string;
  readonly parallel?: number;
  readonly dryRun: boolean;
  readonly compatibility: boolean;
  readonly allResources: boolean;
  /** The first flag that is for a project. */
  readonly projectFlag?: string;
}

export type MutableGlobals = { -readonly [K in keyof Globals]: Globals[K] } & {
  files: string[];
  profiles: string[];
  envFiles: string[];
};

interface GlobalFlag {
  readonly names: readonly string[];
  readonly value: boolean;
  readonly help: string;
  readonly scope: 'engine' | 'compose';
  readonly apply: (globals: MutableGlobals, value: string) => void;
  /** Kept out of the help text. */
  readonly hidden?: true;
}

const oneOf = (flag: string, allowed: readonly string[], value: string): string => {
  if (allowed.includes(value)) return value;
  throw new IechorError('USAGE', `${flag} takes one of ${allowed.join(', ')}, not "${value}"`);
};

const logLevels = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic'];

/** The global flags, in the order of the help text. */
export const globalFlags: readonly GlobalFlag[] = [
  {
    names: ['-H', '--host'],
    value: true,
    scope: 'engine',
    help: 'Engine to talk to (unix:///path, tcp://host:port with TLS, ssh://user@host)',
    apply: (g, v) => {
      g.host = v;
    },
  },
  {
    names: ['-c', '--context'],
    value: true,
    scope: 'engine',
    help: 'Name of the context to use (overrides DOCKER_HOST and "context use")',
    apply: (g, v) => {
      g.context = v;
    },
  },
  tlsSwitch('--tls', 'Use TLS; implied by --tlsverify', 'on'),
  tlsSwitch('--tlsverify', "Use TLS and verify the engine's certificate", 'verify'),
  tlsFile('--tlscacert', 'Trust certificates signed only by this CA', 'ca'),
  tlsFile('--tlscert', 'Path to the TLS certificate', 'cert'),
  tlsFile('--tlskey', 'Path to the TLS key', 'key'),
  {
    names: ['-D', '--debug'],
    value: false,
    scope: 'engine',
    help: 'Show stack traces of errors',
    apply: (g) => {
      g.debug = true;
    },
  },
  {
    names: ['-l', '--log-level'],
    value: true,
    scope: 'engine',
    help: 'debug is --debug; above it is told what always is: info, warn, error, fatal',
    apply: (g, v) => {
      if (!logLevels.includes(v.toLowerCase())) {
        throw new IechorError('USAGE', `Unable to parse logging level: ${v}`, { hint: logLevels.join(', ') });
      }
      if (['debug', 'trace'].includes(v.toLowerCase())) g.debug = true;
    },
  },
  {
    names: ['--config'],
    value: true,
    scope: 'engine',
    help: 'Directory of client configuration files',
    apply: (g, v) => {
      g.config = v;
    },
  },
  {
    names: ['-f', '--file'],
    value: true,
    scope: 'compose',
    help: 'Compose file (several times; - for standard input)',
    apply: (g, v) => {
      g.files.push(v);
    },
  },
  {
    names: ['-p', '--project-name'],
    value: true,
    scope: 'compose',
    help: 'Project name',
    apply: (g, v) => {
      g.projectName = v;
    },
  },
  {
    names: ['--project-directory'],
    value: true,
    scope: 'compose',
    help: 'Base of relative paths (default: directory of the first compose file)',
    apply: (g, v) => {
      g.projectDirectory = v;
    },
  },
  {
    names: ['--profile'],
    value: true,
    scope: 'compose',
    help: 'Profile to enable (several times; * for all)',
    apply: (g, v) => {
      g.profiles.push(v);
    },
  },
  {
    names: ['--env-file'],
    value: true,
    scope: 'compose',
    help: 'Environment file instead of .env (several times)',
    apply: (g, v) => {
      g.envFiles.push(v);
    },
  },
  {
    names: ['--progress'],
    value: true,
    scope: 'compose',
    help: 'Progress output: auto, tty, plain, json, quiet',
    apply: (g, v) => {
      g.progress = oneOf('--progress', ['auto', 'tty', 'plain', 'json', 'quiet'], v);
    },
  },
  {
    names: ['--ansi'],
    value: true,
    scope: 'compose',
    help: 'Terminal control characters: never, always, auto',
    apply: (g, v) => {
      g.ansi = oneOf('--ansi', ['never', 'always', 'auto'], v);
    },
  },
  {
    names: ['--parallel'],
    value: true,
    scope: 'compose',
    help: 'How many operations at once (-1: no limit)',
    apply: (g, v) => {
      g.parallel = integer('--parallel', v);
    },
  },
  {
    names: ['--dry-run'],
    value: false,
    scope: 'compose',
    help: 'Print the plan with its reasons and change nothing',
    apply: (g) => {
      g.dryRun = true;
    },
  },
  {
    names: ['--compatibility'],
    value: false,
    scope: 'compose',
    help: 'Container names with underscores',
    apply: (g) => {
      g.compatibility = true;
    },
  },
  {
    names: ['--all-resources'],
    value: false,
    scope: 'compose',
    help: 'Include resources no service uses',
    apply: (g) => {
      g.allResources = true;
    },
  },
  ...oldFlags(),
];

function tlsSwitch(name: string, help: string, field: 'on' | 'verify'): GlobalFlag {
  const apply: GlobalFlag['apply'] = (g) => {
    g.tls = { ...g.tls, [field]: true };
  };
  return { names: [name], value: false, scope: 'engine', help, apply };
}

function tlsFile(name: string, help: string, field: 'ca' | 'cert' | 'key'): GlobalFlag {
  const apply: GlobalFlag['apply'] = (g, v) => {
    g.tls = { ...g.tls, [field]: v };
  };
  return { names: [name], value: true, scope: 'engine', help, apply };
}

/** Flags that Docker Compose keeps for scripts of long ago. */
function oldFlags(): GlobalFlag[] {
  const old = (name: string, apply: GlobalFlag['apply'], value = false): GlobalFlag => ({
    names: [name],
    value,
    scope: 'compose',
    help: '',
    hidden: true,
    apply,
  });
  return [
    old('--verbose', (g) => {
      g.debug = true;
    }),
    old('--no-ansi', (g) => {
      g.ansi = 'never';
    }),
    old(
      '--workdir',
      (g, v) => {
        g.projectDirectory = v;
      },
      true,
    ),
  ];
}

function integer(flag: string, value: string): number {
  if (!/^-?\d+$/.test(value)) throw new IechorError('USAGE', `${flag} takes a whole number, not "${value}"`);
  return Number(value);
}

export function emptyGlobals(): MutableGlobals {
  return {
    debug: false,
    files: [],
    profiles: [],
    envFiles: [],
    dryRun: false,
    compatibility: false,
    allResources: false,
  };
}
