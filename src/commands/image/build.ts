import { writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { BaseCommand } from '../../cli/base-command.ts';
import { annotationsFor, attestationsFor } from '../../cli/build-attest.ts';
import { printCalled, readCall } from '../../cli/build-call.ts';
import { openBuildContext } from '../../cli/build-context.ts';
import { readNamedContexts } from '../../cli/build-inputs.ts';
import { buildMetadata, metadataText } from '../../cli/build-metadata.ts';
import {
  builtImages,
  checkPlatforms,
  deliverOutputs,
  platformsOf,
  readOutputs,
  wantsImage,
} from '../../cli/build-output.ts';
import { type ProgressMode, readProgressMode, showBuild } from '../../cli/build-progress.ts';
import { readSecrets } from '../../cli/build-secrets.ts';
import { bytesFlag } from '../../cli/bytes-flag.ts';
import { builderFlags, checkBuilder, checkClassicFlags, classicBuildFlags } from '../../cli/classic-build-flags.ts';
import { parseUlimit } from '../../cli/container-body.ts';
import { explaining } from '../../cli/explain-build.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { keyValues } from '../../cli/key-values.ts';
import { agentSockets, readAgents } from '../../cli/ssh-agents.ts';
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
    ...builderFlags,
    ...classicBuildFlags,
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
    platform: Flags.string({ summary: 'Platforms of the image (os/arch, several with commas)' }),
    provenance: Flags.string({ summary: 'Say how the image was built: true, false, mode=min, mode=max' }),
    sbom: Flags.string({ summary: 'Say what software the image has: true, false, generator=IMAGE' }),
    attest: several('Say about the image: type=provenance,mode=max, type=sbom'),
    annotation: several('Annotate what is handed on ([manifest:|index:]KEY=VALUE)'),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    progress: Flags.string({ summary: 'How to show the build: auto, tty, plain, rawjson, quiet, none' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Print the id of the image only' }),
    secret: several('Give RUN --mount=type=secret a secret (id=ID,src=FILE or id=ID,env=VARIABLE)'),
    ssh: several('Give RUN --mount=type=ssh and ADD an agent (default, ID=SOCKET, or ID=KEY[,KEY])'),
    memory: Flags.string({ char: 'm', summary: 'Memory limit of RUN steps' }),
    'shm-size': Flags.string({ summary: 'Size of /dev/shm of RUN steps' }),
    tag: several('Name of the image', 't'),
    target: Flags.string({ summary: 'Stage to build' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Build);
    checkBuilder(flags, this.globals);
    checkClassicFlags(flags, (text) => process.stderr.write(`${text}\n`));
    const progress = flags.quiet ? 'quiet' : readProgressMode(flags.progress);
    const call = readCall(flags.check ? 'check' : flags.call);
    const input = flags.file === '-' ? await text(process.stdin) : undefined;
    const secrets = readSecrets(flags.secret, process.env);
    const ssh = await agentSockets(readAgents(flags.ssh, process.env));
    const outputs = readOutputs(flags.output, flags);
    const tags = [...(flags.tag ?? []), ...outputs.flatMap(({ names }) => names)];
    const buildargs = withEpoch(buildArguments(flags['build-arg'], process.env), process.env);
    const named = await readNamedContexts(flags['build-context'], () => this.engine());
    const said = attestationsFor(flags, outputs, process.env);
    const annotations = annotationsFor(flags, outputs);
    const platforms = platformsOf(flags.platform);
    checkPlatforms(outputs, platforms);
    const options = {
      file: flags.file,
      text: input,
      keepGitDir: /^(1|true)$/i.test(buildargs.BUILDKIT_CONTEXT_KEEP_GIT_DIR ?? ''),
      ...{ beside: named.beside, sshAgent: ssh?.default },
      signal: this.signal,
    };
    const engine = await this.engine();
    const request = {
      t: wantsImage(outputs) ? tags : [],
      attestations: said,
      buildcontexts: Object.keys(named.request).length > 0 ? named.request : undefined,
      ssh,
      allow: allowed(flags.allow),
      cgroupparent: flags['cgroup-parent'],
      ulimits: flags.ulimit?.map(parseUlimit),
      nocache: flags['no-cache'],
      q: flags.quiet,
      pull: flags.pull ? '1' : undefined,
      buildargs,
      labels: labelsOf(flags.label),
      networkmode: flags.network,
      extrahosts: flags['add-host'],
      steps: true,
      ...limitsOf(flags),
      target: flags.target,
      version: '1',
      cacheimports: readCaches(flags['cache-from'], 'src'),
      cacheexports: readCaches(flags['cache-to'], 'dest'),
      explain: flags.explain || undefined,
      nocachestages: flags['no-cache-filter']?.flatMap((names) => names.split(',')),
      call: call.name,
      secrets,
      signal: this.signal,
    };
    const context = await openBuildContext(args.context, options);
    const messages = buildFrom(engine, context, { ...request, platform: platforms.join(',') || undefined });
    if (call.name !== 'build') return printCalled(messages, { ...call, print: (line) => this.print(line) });
    const images = builtImages(await this.#show(messages, { progress, explain: flags.explain }));
    if (images.length === 0) return 0;
    await deliverOutputs(engine, outputs, { images, tags, annotations, signal: this.signal });
    const ids = images.map(({ id }) => id).join('\n');
    writeResults(flags, ids, tags);
    const isPiped = outputs.some(({ dest, isWritten }) => isWritten && dest === undefined);
    if (progress === 'quiet' && !isPiped) this.print(ids);
    return 0;
  }

  /** Shows a build, and tells of its images. */
  async #show(
    messages: ReturnType<typeof buildFrom>,
    { progress, explain }: { readonly progress: ProgressMode; readonly explain: boolean },
  ): ReturnType<typeof showBuild> {
    const explained = explain && progress !== 'rawjson' ? explaining(messages) : undefined;
    return showBuild(explained?.messages ?? messages, progress).finally(() => {
      if (explained) this.print(explained.text());
    });
  }
}

function writeResults(
  flags: { readonly iidfile?: string | undefined; readonly 'metadata-file'?: string | undefined },
  ids: string,
  tags: readonly string[],
): void {
  if (flags.iidfile) writeFileSync(flags.iidfile, ids);
  if (flags['metadata-file']) writeFileSync(flags['metadata-file'], metadataText(buildMetadata(ids, tags)));
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

const limitsOf = (flags: { memory?: string | undefined; 'shm-size'?: string | undefined }) => ({
  memory: bytesFlag('memory', flags.memory),
  shmsize: bytesFlag('shm-size', flags['shm-size']),
});
