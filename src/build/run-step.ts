import { statSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { systemPath } from '../common/byte-path.ts';
import { canRun } from '../host/binfmt.ts';
import { proxyEnv } from './args.ts';
import type { StepContext } from './build-context.ts';
import { type KeyParts, variableOrder } from './cache-key.ts';
import { resolveInRoot } from './files/root-path.ts';
import { homeOf } from './files/users.ts';
import { chompTabs, heredocOf } from './language/heredoc.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { InstructionOf } from './language/types.ts';
import { withShell } from './metadata.ts';
import { formatPlatform } from './platform.ts';
import { report } from './report.ts';
import type { ReadyMount } from './run-mount.ts';
import { openMounts, type RunMounts } from './run-mounts.ts';
import { noteStubs } from './run-stubs.ts';
import { solveLayer } from './solve-step.ts';
import { isVariable, type StageState } from './stage-state.ts';

/** RUN: the command in a sandbox over the root so far; what it changes is the layer. */
export async function solveRun(instruction: InstructionOf<'RUN'>, context: StepContext): Promise<void> {
  const { build, state } = context;
  checkAllowed(instruction, context);
  const isInsecure = instruction.security === 'insecure';
  const { args: written, script } = commandOf(instruction, context);
  const args = written.length === 0 && build.request.classic ? ownCommand(state) : written;
  if (args.length === 0) throw syntaxError('no command specified', instruction);
  if (args.some((arg) => arg.includes('\0'))) throw syntaxError('a command can not hold a NUL character', instruction);
  const network = networkOf(instruction, context);
  const mounts = await openMounts(instruction, context);
  const env = Object.fromEntries(state.env);
  const parts: Record<string, string> = {
    command: JSON.stringify([args, script]),
    workdir: state.config.WorkingDir ?? '/',
    user: state.config.User ?? '',
    network,
    hostname: build.request.buildArgs?.BUILDKIT_SANDBOX_HOSTNAME ?? '',
    // As with BuildKit, where a name leads is no more part of it than what the network has.
    hosts: JSON.stringify((build.request.extraHosts ?? []).map(hostName)),
    ...limitsOf(build.request),
    mounts: mounts.key,
    ...volumesKey(context),
    [variableOrder]: Object.keys(env).join(' '),
    ...(isInsecure && { security: 'insecure' }),
  };
  for (const [name, value] of Object.entries(env)) parts[`variable ${name}`] = value;
  const execute = (root: string) => execRun(root, { args, script, network, mounts, instruction, context });
  const createdBy = `RUN ${historyOf(written, context)} # buildkit`;
  const step = { canonical: `RUN ${args.join(' ')}`, parts, files: mounts.files, createdBy, execute, args };
  await solveLayer(step, context);
}

const hostName = (entry: string): string => /^[^:=]*/.exec(entry)?.[0] ?? '';

/** What a command can see of its limits. */
function limitsOf({ shmSizeBytes, ulimits, cgroupParent }: StepContext['build']['request']): KeyParts {
  return {
    ...(shmSizeBytes !== undefined && { 'size of /dev/shm': String(shmSizeBytes) }),
    ...(ulimits && ulimits.length > 0 && { ulimits: JSON.stringify(ulimits) }),
    ...(cgroupParent && { 'cgroup parent': cgroupParent }),
  };
}

function checkAllowed(instruction: InstructionOf<'RUN'>, { build }: StepContext): void {
  if (instruction.security === 'insecure' && !build.request.allow?.includes('security.insecure')) {
    throw syntaxError('RUN --security=insecure needs the permission of whoever builds', {
      ...instruction,
      code: 'BUILD_FAILED',
      hint: 'Build with --allow security.insecure, if you trust this file with the whole machine.',
    });
  }
  if (instruction.devices.length > 0) {
    throw syntaxError('RUN --device is not supported yet', { ...instruction, code: 'NOT_SUPPORTED' });
  }
}

/** What the image runs: the classic builder takes it where RUN names nothing. */
const ownCommand = ({ config }: StageState): string[] => [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];

interface Script {
  readonly name: string;
  readonly content: string;
}

/** The arguments to run; a heredoc that begins with #! becomes a program of its own. */
function commandOf(instruction: InstructionOf<'RUN'>, { state }: StepContext): { args: string[]; script?: Script } {
  const { command } = instruction;
  const [first] = command.heredocs;
  if (!first) return { args: withShell(state, command) };
  const line = command.args[0] ?? '';
  const joined = (text: string) => withShell(state, { ...command, args: [text] });
  if (!heredocOf(line)) {
    const bodies = command.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
    return { args: joined(line + bodies.join('')) };
  }
  const content = first.chomp ? chompTabs(first.content) : first.content;
  if (!content.startsWith('#!')) return { args: joined(content) };
  const name = posix.join('/', first.name).slice(1);
  if (name === '' || name.includes('/')) {
    throw syntaxError(`${JSON.stringify(first.name)} can not be a file's name`, instruction);
  }
  const path = posix.join('/dev/pipes', first.name);
  return { args: withShell(state, { ...command, args: [path] }), script: { name, content } };
}

/** As Docker records it: the declared arguments with their values before the command; classically those in use. */
function historyOf(args: readonly string[], { build, state }: StepContext): string {
  const inUse = (name: string) => state.env.has(name) && !isVariable(state, name);
  const names = build.request.classic ? [...state.declared].filter(inUse).sort() : [...state.declared];
  const declared = names.map((name) => `${name}=${state.env.get(name) ?? ''}`);
  const prefix = declared.length > 0 ? [`|${declared.length}`, ...declared] : [];
  return [...prefix, ...args].join(' ');
}

function networkOf(instruction: InstructionOf<'RUN'>, { build }: StepContext): string {
  const given = build.request.networkMode || 'default';
  if (given.startsWith('container:') && !build.request.classic) {
    throw syntaxError(`builds cannot use the network ${JSON.stringify(given)}`, {
      ...instruction,
      code: 'NOT_SUPPORTED',
      hint: 'Use default, none, host, or a network by its name.',
    });
  }
  const ofBuild = given === 'bridge' ? 'default' : given;
  const { network } = instruction;
  if (network === 'host' && ofBuild !== 'host' && !build.request.allow?.includes('network.host')) {
    throw syntaxError('RUN --network=host needs the permission of whoever builds', {
      ...instruction,
      code: 'BUILD_FAILED',
      hint: 'Build with --allow network.host, or with --network=host.',
    });
  }
  return network === 'none' || network === 'host' ? network : ofBuild;
}

interface Execution {
  readonly args: readonly string[];
  readonly script: Script | undefined;
  readonly network: string;
  readonly mounts: RunMounts;
  readonly instruction: InstructionOf<'RUN'>;
  readonly context: StepContext;
}

/** Programs of another processor need an emulator, which the kernel has to know. */
function checkRunnable(instruction: InstructionOf<'RUN'>, { state }: StepContext): void {
  const { os, architecture, variant } = state;
  if (canRun(architecture)) return;
  const platform = formatPlatform({ os, architecture, ...(variant && { variant }) });
  throw syntaxError(`RUN needs an emulator of ${platform}, which this machine has not got`, {
    ...instruction,
    code: 'HOST_UNSUPPORTED',
    hint: 'Install one (Debian: qemu-user-static), or run the step for this machine: FROM --platform=$BUILDPLATFORM',
  });
}

async function execRun(root: string, run: Execution): Promise<void> {
  const { build, state, number } = run.context;
  checkRunnable(run.instruction, run.context);
  const ready = await run.mounts.prepare();
  try {
    const own = ready.mounts.map((mount) => withMode(mount, root));
    const mounts = [...own, ...(run.script ? [scriptMount(run.script, run.context)] : []), ...volumesOf(run.context)];
    const stubs = noteStubs(root, mounts);
    const user = state.config.User ?? '';
    const hostname = build.request.buildArgs?.BUILDKIT_SANDBOX_HOSTNAME;
    const decoder = { stdout: new TextDecoder(), stderr: new TextDecoder() };
    let code: number;
    try {
      code = await build.parts.sandbox.run(
        {
          id: `build-${build.id}-${number}`,
          rootfs: root,
          args: run.args,
          env: environment(root, user, ready.env, run.context),
          cwd: state.config.WorkingDir || '/',
          user,
          network: run.network,
          mounts,
          extraHosts: build.request.extraHosts ?? [],
          ...(hostname && { hostname }),
          ...(build.request.shmSizeBytes !== undefined && { shmSizeBytes: build.request.shmSizeBytes }),
          ...(build.request.memoryBytes !== undefined && { memoryBytes: build.request.memoryBytes }),
          ...(build.request.ulimits && { ulimits: build.request.ulimits }),
          ...(build.request.cgroupParent && { cgroupParent: build.request.cgroupParent }),
          ...(build.request.classic && build.request.cgroupParent && { seesCgroups: true }),
          privileged: run.instruction.security === 'insecure',
        },
        (stream, data) => {
          const text = decoder[stream].decode(data, { stream: true });
          if (text !== '') report(run.context, 'output', { text, stream });
        },
        build.signal,
      );
    } finally {
      stubs.remove();
    }
    build.signal.throwIfAborted();
    if (code !== 0) {
      const shown = JSON.stringify(run.args.join(' '));
      throw syntaxError(`process ${shown} did not complete successfully: exit code: ${code}`, {
        ...run.instruction,
        code: 'BUILD_FAILED',
        exit: code,
      });
    }
  } finally {
    ready.release();
  }
}

/** A tmpfs over a directory of the image has that one's mode. */
function withMode(mount: ReadyMount, root: string): ReadyMount {
  if (mount.type !== 'tmpfs') return mount;
  const there = statSync(systemPath(resolveInRoot(root, mount.target)), { throwIfNoEntry: false });
  return there?.isDirectory() ? { ...mount, mode: there.mode & 0o7777 } : mount;
}

/** Volumes that a container of the image would have. With the classic builder what a command writes there is lost. */
const volumePaths = ({ build, state }: StepContext): readonly string[] =>
  build.request.classic ? Object.keys(state.config.Volumes ?? {}).sort() : [];

const volumesKey = (context: StepContext): KeyParts => {
  const paths = volumePaths(context);
  return paths.length > 0 ? { volumes: JSON.stringify(paths) } : {};
};

const volumesOf = (context: StepContext) =>
  volumePaths(context).map((path) => ({
    ...{ type: 'bind' as const, source: context.build.scratch.newDir('large'), readOnly: false, isVolume: true },
    target: posix.join('/', path),
  }));

function scriptMount(script: Script, { build }: StepContext): ReadyMount {
  const source = build.scratch.newDir('small');
  writeFileSync(join(source, script.name), script.content, { mode: 0o755 });
  return { type: 'bind', source, target: '/dev/pipes', readOnly: true };
}

function environment(
  root: string,
  user: string,
  secrets: ReadonlyMap<string, string>,
  { build, state }: StepContext,
): string[] {
  const env = new Map([...state.env, ...proxyEnv(build.request.buildArgs)]);
  for (const [name, value] of secrets) env.set(name, value);
  if (!env.get('HOME')) env.set('HOME', homeOf(root, user));
  return [...env].map(([name, value]) => `${name}=${value}`);
}
