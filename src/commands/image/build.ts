import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { BaseCommand } from '../../cli/base-command.ts';
import { bytesFlag } from '../../cli/bytes-flag.ts';
import { openBuildContext } from '../../cli/build-context.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { keyValues } from '../../cli/key-values.ts';
import { printProgress } from '../../cli/progress-stream.ts';
import { printCalled, readCall } from '../../cli/build-call.ts';
import { buildFrom } from '../../compose/run/send-context.ts';
import { readSecrets } from '../../cli/build-secrets.ts';

const several = (summary: string, char?: 't') =>
  Flags.string({ summary, multiple: true, multipleNonGreedy: true, ...(char ? { char } : {}) });

export default class Build extends BaseCommand {
  static override summary = 'Build an image from an iEchorfile';
  static override synopsis = '[OPTIONS] PATH | -';
  static override args = { context: Args.string({ required: true }) };
  static override flags = {
    'add-host': several('Add a host name to /etc/hosts of RUN steps (host:ip)'),
    'build-arg': several('Set a build argument (NAME=value, or NAME to hand ours on)'),
    call: Flags.string({ summary: 'Describe the build file: check, outline, targets (with ",format=json": as JSON)' }),
    check: Flags.boolean({ summary: 'Check the build file, and build nothing (--call=check)' }),
    file: Flags.string({
      char: 'f',
      summary: 'Build file (default: iEchorfile, then Dockerfile; - for standard input)',
    }),
    iidfile: Flags.string({ summary: 'Write the id of the image to this file' }),
    label: several('Set a label of the image (key=value)'),
    network: Flags.string({ summary: 'Network of RUN steps: default, none, host' }),
    'no-cache': Flags.boolean({ summary: 'Run every step anew' }),
    'no-cache-filter': several('Run the steps of this stage anew'),
    platform: Flags.string({ summary: 'Platform of the image (os/arch)' }),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the id of the image only' }),
    secret: several('Give RUN --mount=type=secret a secret (id=ID,src=FILE or id=ID,env=VARIABLE)'),
    'shm-size': Flags.string({ summary: 'Size of /dev/shm of RUN steps' }),
    tag: several('Name of the image', 't'),
    target: Flags.string({ summary: 'Stage to build' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Build);
    const call = readCall(flags.check ? 'check' : flags.call);
    const input = flags.file === '-' ? await text(process.stdin) : undefined;
    const secrets = readSecrets(flags.secret, process.env);
    const context = await openBuildContext(args.context, {
      file: flags.file,
      text: input,
      signal: this.signal,
    });
    const engine = await this.engine();
    const messages = buildFrom(engine, context, {
      t: flags.tag,
      nocache: flags['no-cache'],
      q: flags.quiet,
      pull: flags.pull ? '1' : undefined,
      buildargs: buildArguments(flags['build-arg'], process.env),
      labels: keyValues(flags.label),
      networkmode: flags.network,
      extrahosts: flags['add-host'],
      steps: true,
      shmsize: bytesFlag('shm-size', flags['shm-size']),
      platform: flags.platform,
      target: flags.target,
      version: '1',
      nocachestages: flags['no-cache-filter']?.flatMap((names) => names.split(',')),
      call: call.name,
      secrets,
      signal: this.signal,
    });
    if (call.name !== 'build') {
      return printCalled(messages, { ...call, print: (line) => this.print(line) });
    }
    const { ID } = await printProgress(messages, { sink: flags.quiet ? undefined : process.stderr });
    if (flags.iidfile && ID) writeFileSync(flags.iidfile, ID);
    if (flags.quiet && ID) this.print(ID);
    return 0;
  }
}

/** A name without a value takes ours, and null where we have none: the build file's default then holds. */
function buildArguments(
  entries: readonly string[] | undefined,
  environment: NodeJS.ProcessEnv,
): Record<string, string | null> {
  return Object.fromEntries(
    (entries ?? []).map((entry) => {
      const at = entry.indexOf('=');
      return at < 0 ? [entry, environment[entry] ?? null] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
