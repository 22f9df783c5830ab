import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { BaseCommand } from '../../cli/base-command.ts';
import { printCalled, readCall } from '../../cli/build-call.ts';
import { openBuildContext } from '../../cli/build-context.ts';
import { readAgents, readNamedContexts } from '../../cli/build-inputs.ts';
import { deliverOutputs, readOutputs, wantsImage } from '../../cli/build-output.ts';
import { explaining } from '../../cli/explain-build.ts';
import { readProgressMode, showBuild } from '../../cli/build-progress.ts';
import { readSecrets } from '../../cli/build-secrets.ts';
import { bytesFlag } from '../../cli/bytes-flag.ts';
import { parseUlimit } from '../../cli/container-body.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { keyValues } from '../../cli/key-values.ts';
import { IechorError } from '../../common/error.ts';
import { readCaches } from '../../compose/run/cache-entries.ts';
import { buildFrom } from '../../compose/run/send-context.ts';

const several = (summary: string, char?: 't' | 'o') =>
  Flags.string({ summary, multiple: true, multipleNonGreedy: true, ...(char ? { char } : {}) });

export default class Build extends BaseCommand {
  static override summary = 'Build an image from an iEchorfile';
  static override synopsis = '[OPTIONS] PATH | -';
  static override args = { context: Args.string({ required: true }) };
  static override flags = {
    allow: several('Let RUN steps ask for this: security.insecure, network.host'),
    'cgroup-parent': Flags.string({ summary: 'Control group above those of RUN steps' }),
    ulimit: several('Set a limit of RUN steps (name=soft[:hard])'),
    'add-host': several('Add a host name to /etc/hosts of RUN steps (host:ip)'),
    'build-arg': several('Set a build argument (NAME=value, or NAME to hand ours on)'),
    'build-context': several('Give another context a name (NAME=directory, git URL, docker-image:// or oci-layout://)'),
    'cache-from': several('Take finished steps from this cache (NAME, type=registry,ref=, type=local,src=)'),
    'cache-to': several('Write the cache there (type=registry,ref=, type=local,dest=, type=inline; mode=min or max)'),
    call: Flags.string({ summary: 'Describe the build file: check, outline, targets (with ",format=json": as JSON)' }),
    check: Flags.boolean({ summary: 'Check the build file, and build nothing (--call=check)' }),
    explain: Flags.boolean({ summary: 'Print how the cache key of every step comes about, and what differs' }),
    file: Flags.string({
      char: 'f',
      summary: 'Build file (default: iEchorfile, then Dockerfile; - for standard input)',
    }),
    iidfile: Flags.string({ summary: 'Write the id of the image to this file' }),
    load: Flags.boolean({ summary: 'Keep the image in the engine, which is the default' }),
    'metadata-file': Flags.string({ summary: 'Write what was built to this file, as JSON' }),
    label: several('Set a label of the image (key=value)'),
    network: Flags.string({ summary: 'Network of RUN steps: default, none, host' }),
    'no-cache': Flags.boolean({ summary: 'Run every step anew' }),
    'no-cache-filter': several('Run the steps of this stage anew'),
    output: several('Where the result goes: type=local,tar,oci,docker,image with dest=, push=', 'o'),
    push: Flags.boolean({ summary: 'Push the image to its registry' }),
    platform: Flags.string({ summary: 'Platform of the image (os/arch)' }),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    progress: Flags.string({ summary: 'How to show the build: auto, tty, plain, rawjson, quiet, none' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the id of the image only' }),
    secret: several('Give RUN --mount=type=secret a secret (id=ID,src=FILE or id=ID,env=VARIABLE)'),
    ssh: several('Give RUN --mount=type=ssh an agent (default, or ID=SOCKET)'),
    'shm-size': Flags.string({ summary: 'Size of /dev/shm of RUN steps' }),
    tag: several('Name of the image', 't'),
    target: Flags.string({ summary: 'Stage to build' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Build);
    const progress = flags.quiet ? 'quiet' : readProgressMode(flags.progress);
    const call = readCall(flags.check ? 'check' : flags.call);
    const input = flags.file === '-' ? await text(process.stdin) : undefined;
    const secrets = readSecrets(flags.secret, process.env);
    const ssh = readAgents(flags.ssh, process.env);
    const outputs = readOutputs(flags.output, flags);
    const tags = [...(flags.tag ?? []), ...outputs.flatMap(({ names }) => names)];
    const named = await readNamedContexts(flags['build-context'], () => this.engine());
    const context = await openBuildContext(args.context, {
      file: flags.file,
      text: input,
      beside: named.beside,
      signal: this.signal,
    });
    const engine = await this.engine();
    const messages = buildFrom(engine, context, {
      t: wantsImage(outputs) ? tags : [],
      buildcontexts: Object.keys(named.request).length > 0 ? named.request : undefined,
      ssh,
      allow: allowed(flags.allow),
      cgroupparent: flags['cgroup-parent'],
      ulimits: flags.ulimit?.map(parseUlimit),
      nocache: flags['no-cache'],
      q: flags.quiet,
      pull: flags.pull ? '1' : undefined,
      buildargs: withEpoch(buildArguments(flags['build-arg'], process.env), process.env),
      labels: labelsOf(flags.label),
      networkmode: flags.network,
      extrahosts: flags['add-host'],
      steps: true,
      shmsize: bytesFlag('shm-size', flags['shm-size']),
      platform: flags.platform,
      target: flags.target,
      version: '1',
      cacheimports: readCaches(flags['cache-from'], 'src'),
      cacheexports: readCaches(flags['cache-to'], 'dest'),
      explain: flags.explain || undefined,
      nocachestages: flags['no-cache-filter']?.flatMap((names) => names.split(',')),
      call: call.name,
      secrets,
      signal: this.signal,
    });
    if (call.name !== 'build') {
      return printCalled(messages, { ...call, print: (line) => this.print(line) });
    }
    const explained = flags.explain && progress !== 'rawjson' ? explaining(messages) : undefined;
    const { ID } = await showBuild(explained?.messages ?? messages, progress).finally(() => {
      if (explained) this.print(explained.text());
    });
    if (!ID) return 0;
    await deliverOutputs(engine, outputs, { id: ID, tags, signal: this.signal });
    if (flags.iidfile) writeFileSync(flags.iidfile, ID);
    if (flags['metadata-file']) writeFileSync(flags['metadata-file'], metadataOf(ID, tags));
    const isPiped = outputs.some(({ type, dest }) => type !== 'image' && type !== 'cacheonly' && dest === undefined);
    if (progress === 'quiet' && !isPiped) this.print(ID);
    return 0;
  }
}

/** Of the keys that BuildKit's clients write, those that hold here. */
function metadataOf(id: string, tags: readonly string[]): string {
  const names = tags.length > 0 ? { 'image.name': tags.join(',') } : {};
  return `${JSON.stringify({ 'containerimage.config.digest': id, 'containerimage.digest': id, ...names }, null, 2)}\n`;
}

function allowed(entries: readonly string[] | undefined): readonly string[] | undefined {
  const unknown = entries?.find((entry) => entry !== 'security.insecure' && entry !== 'network.host');
  if (unknown === undefined) return entries;
  throw new IechorError('USAGE', `there is nothing like ${JSON.stringify(unknown)} to be allowed`, {
    hint: 'security.insecure, network.host',
  });
}

function labelsOf(entries: readonly string[] | undefined): Record<string, string> {
  const unnamed = entries?.find((entry) => entry.startsWith('='));
  if (unnamed !== undefined) throw new IechorError('USAGE', `the label ${JSON.stringify(unnamed)} has no name`);
  return keyValues(entries);
}

/** SOURCE_DATE_EPOCH of the environment holds for the build, unless it was given one. */
function withEpoch(
  args: Record<string, string | null>,
  { SOURCE_DATE_EPOCH: epoch }: NodeJS.ProcessEnv,
): Record<string, string | null> {
  return epoch === undefined ? args : { SOURCE_DATE_EPOCH: epoch, ...args };
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
