import type { StepContext } from './build-context.ts';
import { expandAt } from './graph.ts';
import { readPorts } from './language/ports.ts';
import { checkSignal } from './language/signal.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { CommandLine, InstructionName, InstructionOf } from './language/types.ts';
import { addHistory, isVariable, type StageState, setImageEnv } from './stage-state.ts';

type MetadataName = Exclude<InstructionName, 'FROM' | 'RUN' | 'COPY' | 'ADD' | 'WORKDIR'>;
type Apply<N extends MetadataName> = (instruction: InstructionOf<N>, context: StepContext) => void;

/** Expands a word of the current instruction with the variables it began with. */
export function expandIn(
  context: StepContext,
  text: string,
  lookup: (name: string) => string | undefined = (name) => context.state.env.get(name),
  plainQuotes = false,
): string {
  return expandAt(text, { file: context.build.graph.file, at: context.instruction, lookup, plainQuotes });
}

export function withShell(state: StageState, command: CommandLine): string[] {
  if (command.json) return [...command.args];
  const shell = state.config.Shell?.length ? state.config.Shell : ['/bin/sh', '-c'];
  return [...shell, command.args.join(' ')];
}

const quoted = (args: readonly string[]): string => `[${args.map((arg) => JSON.stringify(arg)).join(' ')}]`;

/** Instructions that change the image's configuration and nothing else. */
export const metadata: { readonly [N in MetadataName]: Apply<N> } = {
  ENV({ pairs }, context) {
    const before = new Map(context.state.env);
    const lookup = (name: string) => before.get(name);
    const expanded = pairs.map(
      ({ key, value }) => [expandIn(context, key, lookup), expandIn(context, value, lookup)] as const,
    );
    for (const [key, value] of expanded) setImageEnv(context.state, key, value);
    addHistory(context.state, `ENV ${expanded.map(([key, value]) => `${key}=${value}`).join(' ')}`);
  },
  LABEL({ pairs }, context) {
    const expanded = pairs.map(({ key, value }) => [expandIn(context, key), expandIn(context, value)] as const);
    context.state.config.Labels = { ...context.state.config.Labels, ...Object.fromEntries(expanded) };
    addHistory(context.state, `LABEL ${expanded.map(([key, value]) => `${key}=${value}`).join(' ')}`);
  },
  ARG: applyArg,
  EXPOSE(instruction, context) {
    const ports = readPorts(instruction, {
      file: context.build.graph.file,
      lookup: (name) => context.state.env.get(name),
    });
    const exposed = { ...context.state.config.ExposedPorts };
    for (const port of ports) exposed[port] = {};
    context.state.config.ExposedPorts = exposed;
    addHistory(context.state, `EXPOSE ${quotedPlain(ports)}`);
  },
  VOLUME({ paths }, context) {
    const expanded = paths.map((path) => expandIn(context, path));
    if (expanded.includes('')) throw syntaxError('VOLUME can not be an empty string', context.instruction);
    const added = Object.fromEntries(expanded.map((path) => [path, {}]));
    context.state.config.Volumes = { ...context.state.config.Volumes, ...added };
    addHistory(context.state, `VOLUME ${quotedPlain(expanded)}`);
  },
  USER({ user }, context) {
    context.state.config.User = expandIn(context, user);
    addHistory(context.state, `USER ${context.state.config.User}`);
  },
  CMD({ command }, context) {
    context.state.config.Cmd = withShell(context.state, command);
    context.state.cmdSet = true;
    addHistory(context.state, `CMD ${quoted(context.state.config.Cmd)}`);
  },
  ENTRYPOINT({ command }, context) {
    const { state } = context;
    state.config.Entrypoint = withShell(state, command);
    if (!state.cmdSet) delete state.config.Cmd;
    addHistory(state, `ENTRYPOINT ${quoted(state.config.Entrypoint)}`);
  },
  SHELL({ shell }, context) {
    context.state.config.Shell = [...shell];
    addHistory(context.state, `SHELL ${quotedPlain(shell)}`);
  },
  STOPSIGNAL({ signal }, context) {
    const expanded = expandIn(context, signal);
    checkSignal(expanded, context.instruction);
    context.state.config.StopSignal = expanded;
    addHistory(context.state, `STOPSIGNAL ${expanded}`);
  },
  HEALTHCHECK({ health }, context) {
    context.state.config.Healthcheck = { ...health };
    addHistory(context.state, `HEALTHCHECK ${JSON.stringify(health)}`);
  },
  ONBUILD({ trigger }, context) {
    context.state.config.OnBuild = [...(context.state.config.OnBuild ?? []), trigger];
  },
  MAINTAINER({ maintainer }, context) {
    context.state.author = maintainer;
    addHistory(context.state, `MAINTAINER ${maintainer}`);
  },
};

const quotedPlain = (items: readonly string[]): string => `[${items.join(' ')}]`;

/** A value given with the build wins, then the default, then the global argument of that name. */
function applyArg({ args }: InstructionOf<'ARG'>, context: StepContext): void {
  const { build, state } = context;
  const shown = args.map(({ key, value }) => {
    const given = build.request.buildArgs?.[key];
    build.usedArgs.add(key);
    const byDefault = () => (value === undefined ? undefined : expandIn(context, value));
    const result = typeof given === 'string' ? given : (byDefault() ?? build.globals.get(key));
    // With the classic builder variables win, and the history is not told what was given.
    const { classic } = build.request;
    if (!classic || !isVariable(state, key)) {
      state.declared.add(key);
      if (result !== undefined) state.env.set(key, result);
    }
    const told = classic ? byDefault() : result;
    return told === undefined ? key : `${key}=${told}`;
  });
  addHistory(state, `ARG ${shown.join(' ')}`);
}
