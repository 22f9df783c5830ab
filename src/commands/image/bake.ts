import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { EngineApi } from '../../api/engine-api.ts';
import {
  type BakeFile,
  type BakeTarget,
  chooseTargets,
  outputShorthands,
  readBakeFiles,
  setValues,
  targetNamed,
} from '../../cli/bake-file.ts';
import { allowedOf, attestOf, refuseEntitlements, saidFlags } from '../../cli/bake-flags.ts';
import { annotationsFor, attestationsFor } from '../../cli/build-attest.ts';
import { type BuildCall, printCalled, readCall } from '../../cli/build-call.ts';
import { openBuildContext } from '../../cli/build-context.ts';
import { readNamedContexts } from '../../cli/build-inputs.ts';
import { buildMetadata, metadataText } from '../../cli/build-metadata.ts';
import { builtImages, checkPlatforms, deliverOutputs, readOutputs, wantsImage } from '../../cli/build-output.ts';
import { type ProgressMode, readProgressMode, showBuild } from '../../cli/build-progress.ts';
import { readSecrets } from '../../cli/build-secrets.ts';
import { bytesFlag } from '../../cli/bytes-flag.ts';
import { builderFlags, checkBuilder } from '../../cli/classic-build-flags.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { parseUlimit } from '../../cli/container-body.ts';
import { Flags } from '../../cli/flags.ts';
import { agentSockets, readAgents } from '../../cli/ssh-agents.ts';
import { IechorError } from '../../common/error.ts';
import { isGitAddress } from '../../common/git-reference.ts';
import { readCaches } from '../../compose/run/cache-entries.ts';
import { buildFrom } from '../../compose/run/send-context.ts';

const several = (summary: string, char?: 'f') =>
  Flags.string({ summary, multiple: true, multipleNonGreedy: true, ...(char ? { char } : {}) });

export default class Bake extends ComposeCommand {
  static override summary = 'Build the targets of a file';
  static override synopsis = '[OPTIONS] [TARGET...]';
  static override strict = false;
  static override flags = {
    ...saidFlags,
    allow: several('Let targets ask for this: network.host, security.insecure'),
    ...builderFlags,
    call: Flags.string({ summary: 'Describe the build files: check, outline, targets' }),
    check: Flags.boolean({ summary: 'Check the build files, and build nothing (--call=check)' }),
    'metadata-file': Flags.string({ summary: 'Write what was built to this file, as JSON' }),
    file: several('Compose files, or bake files in JSON (default: those of the directory)', 'f'),
    list: Flags.boolean({ summary: 'List groups and targets, and build nothing' }),
    load: Flags.boolean({ summary: 'Keep the images in the engine, which is the default' }),
    'no-cache': Flags.boolean({ summary: 'Run every step anew' }),
    print: Flags.boolean({ summary: 'Print the builds as JSON, and build nothing' }),
    progress: Flags.string({ summary: 'How to show the builds: auto, tty, plain, rawjson, quiet, none' }),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    push: Flags.boolean({ summary: 'Push the images to their registries' }),
    set: several('Set a value of targets (TARGET.KEY=VALUE; * for several)'),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Bake);
    checkBuilder(flags, this.globals);
    const allow = allowedOf(flags.allow);
    const call = readCall(flags.check ? 'check' : flags.call);
    const all = setValues(await this.#read(flags.file), flags.set ?? []);
    if (flags.list) {
      this.#list(all);
      return 0;
    }
    const chosen = chooseTargets(all, argv as string[]);
    const target = Object.fromEntries(chosen.map((name) => [name, withFlags(all.target[name] ?? {}, flags)]));
    if (flags.print) {
      this.print(JSON.stringify({ group: { default: { targets: chosen } }, target }, null, 2));
      return 0;
    }
    for (const name of chosen) refuseEntitlements(name, target[name] ?? {}, allow);
    const progress = readProgressMode(flags.progress ?? this.globals.progress);
    const engine = await this.engine();
    const images = new Map<string, string>();
    let exit = 0;
    for (const name of chosen) {
      const done = await this.#build(name, target[name] ?? {}, { engine, images, progress, call });
      if (typeof done === 'string') images.set(name, done);
      else exit = Math.max(exit, done);
    }
    if (flags['metadata-file']) {
      const told = [...images].map(([name, id]) => [name, buildMetadata(id, target[name]?.tags ?? [])]);
      writeFileSync(flags['metadata-file'], metadataText(Object.fromEntries(told)));
    }
    return exit;
  }

  async #read(given: readonly string[] | undefined): Promise<BakeFile> {
    const inJson = ['docker-bake.json', 'docker-bake.override.json'];
    const files = given ?? inJson.filter((name) => existsSync(name));
    const other = files.find((name) => name.endsWith('.hcl'));
    if (other !== undefined) {
      throw new IechorError('NOT_SUPPORTED', `${other} is written in HCL, which is not supported`, {
        hint: 'write it in JSON, or use a Compose file',
      });
    }
    const json = files.filter((name) => name.endsWith('.json'));
    const compose = files.filter((name) => !name.endsWith('.json'));
    const texts = json.map((name) => ({ name, text: readFile(name) }));
    if (compose.length > 0 || json.length === 0) {
      // As with Docker, profiles say what runs, not what is built.
      const { project } = await this.project([], { profiles: ['*'], ...(compose.length > 0 && { files: compose }) });
      const { renderBake } = await import('../../compose/bake.ts');
      const services = new Set(Object.keys(project.services));
      const text = renderBake(project, { services, buildArgs: {}, noCache: false, pull: false, push: false });
      texts.unshift({ name: 'the Compose files', text });
    }
    return readBakeFiles(texts);
  }

  #list({ group, target }: BakeFile): void {
    for (const name of Object.keys(target).sort()) this.print(`target ${name}`);
    for (const name of Object.keys(group).sort()) this.print(`group ${name}: ${group[name]?.targets.join(', ')}`);
  }

  /** Builds one target and returns its image's id; the exit code where it is described only. */
  async #build(
    name: string,
    target: BakeTarget,
    {
      engine,
      images,
      progress,
      call,
    }: {
      readonly engine: EngineApi;
      readonly images: ReadonlyMap<string, string>;
      readonly progress: ProgressMode;
      readonly call: BuildCall;
    },
  ): Promise<string | number> {
    const outputs = readOutputs(target.output, {});
    checkPlatforms(outputs, target.platforms ?? []);
    const contexts = Object.entries(target.contexts ?? {}).map(
      ([key, source]) => `${key}=${builtSource(source, images)}`,
    );
    const named = await readNamedContexts(contexts, async () => engine);
    const agents = readAgents(
      target.ssh?.map((entry) => entry.replace(/=$/, '')),
      process.env,
    );
    const directory = target.context ?? '.';
    const inline = target['dockerfile-inline'];
    const file = buildFileIn(directory, target.dockerfile);
    const { signal } = this;
    const request = {
      t: wantsImage(outputs) ? (target.tags ?? []) : [],
      attestations: attestationsFor(target, outputs, process.env),
      buildcontexts: contexts.length > 0 ? named.request : undefined,
      ssh: await agentSockets(agents),
      secrets: readSecrets(target.secret, process.env),
      allow: target.entitlements,
      ulimits: target.ulimits?.map(parseUlimit),
      nocache: target['no-cache'],
      cacheimports: readCaches(target['cache-from'], 'src'),
      cacheexports: readCaches(target['cache-to'], 'dest'),
      nocachestages: target['no-cache-filter'],
      pull: target.pull ? '1' : undefined,
      buildargs: target.args,
      labels: target.labels,
      networkmode: target.network,
      extrahosts: Object.entries(target['extra-hosts'] ?? {}).map(([host, ip]) => `${host}:${ip}`),
      shmsize: bytesFlag('shm-size', target['shm-size']),
      target: target.target,
      platform: target.platforms?.join(','),
      steps: true,
      call: call.name,
      version: '1',
      signal,
    };
    if (!['quiet', 'none', 'rawjson'].includes(progress)) process.stderr.write(`Target ${name}\n`);
    const context = await openBuildContext(directory, {
      ...{ file, text: inline, beside: named.beside, signal },
      sshAgent: request.ssh?.default,
    });
    const messages = buildFrom(engine, context, request);
    if (call.name !== 'build') return printCalled(messages, { ...call, print: (line) => this.print(line) });
    const built = builtImages(await showBuild(messages, progress));
    const [first] = built;
    if (!first) throw new IechorError('BUILD_FAILED', `the engine said nothing of an image for the target ${name}`);
    const annotations = annotationsFor({ annotation: target.annotations }, outputs);
    await deliverOutputs(engine, outputs, { images: built, tags: target.tags ?? [], annotations, signal });
    return first.id;
  }
}

/** From the working directory on; of a context elsewhere as it is, and any default name where it is the one filled in. */
function buildFileIn(context: string, name: string | undefined): string | undefined {
  if (name === undefined || !(context.includes('://') || isGitAddress(context))) return name && resolve(context, name);
  return name === 'Dockerfile' ? undefined : name;
}

function builtSource(source: string, images: ReadonlyMap<string, string>): string {
  const built = images.get(targetNamed(source) ?? '');
  return built === undefined ? source : `docker-image://${built}`;
}

function withFlags(
  target: BakeTarget,
  flags: {
    readonly pull: boolean;
    readonly push: boolean;
    readonly load: boolean;
    readonly 'no-cache': boolean;
    readonly provenance?: string | undefined;
    readonly sbom?: string | undefined;
  },
): BakeTarget {
  const attest = attestOf(target, flags);
  return {
    ...target,
    ...(attest && { attest }),
    ...(flags.pull && { pull: true }),
    ...(flags['no-cache'] && { 'no-cache': true }),
    ...(flags.push && { output: outputShorthands.push(target.output) }),
    ...(flags.load && !flags.push && { output: outputShorthands.load(target.output) }),
  };
}

function readFile(name: string): string {
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    throw new IechorError('USAGE', `cannot read the bake file ${name}`, { cause: error });
  }
}
