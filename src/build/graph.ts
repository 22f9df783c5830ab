import { didYouMean } from '../common/nearest.ts';
import { IechorError, isIechorError, messageOf } from '../common/error.ts';
import { parseReference } from '../image/reference.ts';
import { expand } from './language/expand.ts';
import { ExpansionError } from './language/expansion-error.ts';
import { readMount } from './language/mount-option.ts';
import { syntaxError } from './language/syntax-error.ts';
import type { BuildFile, InstructionOf, Stage, StageInstruction } from './language/types.ts';
import { parsePlatform } from './platform.ts';

/** A stage with the base it names, variables expanded. */
export interface StageNode {
  readonly stage: Stage;
  readonly label: string;
  /** The stage it builds on, or the image's reference; `scratch` is no image. */
  readonly base: SourceRef;
  readonly platform?: string;
}

/** Where `--from` points. */
export type SourceRef =
  | { readonly stage: number }
  | { readonly image: string }
  | { readonly context: string }
  | { readonly scratch: true };

/** The stages of a file, in its order, with what they build on. Checks names; a stage needs only earlier ones. */
export interface Graph {
  readonly file: BuildFile;
  readonly nodes: readonly StageNode[];
  /** Names that stand for contexts given with the build, in place of stages and images. */
  readonly contexts: ReadonlySet<string>;
  readonly target: StageNode;
  /** Numbers of the stages that the target needs, itself included, in the order of the file. */
  readonly needed: ReadonlySet<number>;
}

export function stageLabel(stage: Stage): string {
  return stage.name ?? `stage-${stage.index}`;
}

export function buildGraph(
  file: BuildFile,
  globals: ReadonlyMap<string, string>,
  target: string | undefined,
  contexts: ReadonlySet<string> = new Set(),
): Graph {
  const names = new Map<string, number>();
  for (const name of contexts) checkContextName(name);
  const nodes = file.stages.map((stage) => {
    const node = readNode(file, stage, { globals, names, contexts });
    if (stage.name !== undefined) names.set(stage.name, stage.index);
    return node;
  });
  const last = nodes.at(-1);
  if (!last) throw new Error('a build file has at least one stage');
  const chosen = target === undefined || target === '' ? last : findTarget(file, nodes, target);
  return { file, nodes, contexts, target: chosen, needed: neededFor(chosen, { nodes, contexts }) };
}

/** Stages need only such as stand before them, so one way down the file finds them all, however many there are. */
function neededFor(target: StageNode, sources: Sources): ReadonlySet<number> {
  const needed = new Set([target.stage.index]);
  for (const node of sources.nodes.slice(0, target.stage.index + 1).reverse()) {
    if (!needed.has(node.stage.index)) continue;
    for (const index of dependenciesOf(node, sources)) needed.add(index);
  }
  return new Set([...needed].sort((a, b) => a - b));
}

function readNode(
  file: BuildFile,
  stage: Stage,
  context: {
    globals: ReadonlyMap<string, string>;
    names: ReadonlyMap<string, number>;
    contexts: ReadonlySet<string>;
  },
): StageNode {
  const { from } = stage;
  const read = (text: string): string =>
    expandAt(text, { file, at: from, lookup: (name) => context.globals.get(name) });
  const base = read(from.base);
  if (base === '') {
    throw syntaxError(`the base name ${JSON.stringify(from.base)} is empty`, {
      ...from,
      hint: 'Declare the variable with ARG before the first FROM and give it a value.',
    });
  }
  const platform = from.platform === undefined ? undefined : read(from.platform);
  if (platform === '') throw syntaxError(`the platform ${JSON.stringify(from.platform)} is empty`, from);
  if (platform !== undefined) checkPlatform(platform, from);
  const ref = baseRef(base, context);
  return { stage, label: stageLabel(stage), base: ref, ...(platform !== undefined && { platform }) };
}

function checkPlatform(platform: string, from: InstructionOf<'FROM'>): void {
  try {
    parsePlatform(platform);
  } catch (error) {
    throw syntaxError(messageOf(error), { ...from, hint: isIechorError(error) ? error.hint : undefined, cause: error });
  }
}

function baseRef(
  base: string,
  { names, contexts }: { names: ReadonlyMap<string, number>; contexts: ReadonlySet<string> },
): SourceRef {
  const name = contextName(base, contexts);
  if (name !== undefined) return { context: name };
  const index = names.get(base);
  if (index !== undefined) return { stage: index };
  return base === 'scratch' ? { scratch: true } : { image: base };
}

/** Throws REFERENCE_INVALID: a context stands where an image could. */
function checkContextName(name: string): void {
  try {
    parseReference(name);
  } catch (error) {
    throw new IechorError('REFERENCE_INVALID', `invalid context name ${name}: ${messageOf(error)}`, {
      hint: 'Name it as an image would be, in small letters.',
      cause: error,
    });
  }
}

/** Names of contexts are those of images, which may lack their tag or their registry. */
function contextName(name: string, contexts: ReadonlySet<string>): string | undefined {
  return [...contexts].find((context) => plainName(context) === plainName(name));
}

const plainName = (name: string): string => name.replace(/^docker\.io\/(library\/)?/, '').replace(/:latest$/, '');

/** Expands one word of an instruction; errors carry its place. */
export function expandAt(
  text: string,
  options: {
    readonly file: Pick<BuildFile, 'escapeChar'>;
    readonly at: Pick<InstructionOf<'FROM'>, 'at' | 'lines'>;
    readonly lookup: (name: string) => string | undefined;
    readonly plainQuotes?: boolean;
  },
): string {
  try {
    const { lookup, plainQuotes = false } = options;
    return expand(text, { lookup, plainQuotes, escapeChar: plainQuotes ? '\\' : options.file.escapeChar }).text;
  } catch (error) {
    if (error instanceof ExpansionError) throw syntaxError(error.message, options.at);
    throw error;
  }
}

function findTarget(file: BuildFile, nodes: readonly StageNode[], target: string): StageNode {
  const found = nodes.findLast((node) => node.stage.name === target.toLowerCase());
  if (found) return found;
  const known = nodes.flatMap((node) => node.stage.name ?? []);
  throw syntaxError(`there is no build stage ${JSON.stringify(target)} to be the target`, {
    at: { file: file.file, line: 1, column: 1 },
    lines: file.lines,
    hint: didYouMean(target, known) ?? (known.length > 0 ? `Stages: ${known.join(', ')}.` : 'No stage has a name.'),
  });
}

/** What `--from` of an instruction may name. */
export type Sources = Pick<Graph, 'nodes' | 'contexts'>;

/** Finds what `--from=NAME` of an instruction means: a context, a stage by number (of COPY alone) or name, else an image. */
export function sourceRef(name: string, sources: Sources, own: StageNode, at: StageInstruction): SourceRef {
  const { nodes, contexts } = sources;
  const isNumber = at.name === 'COPY' && /^[+-]?\d+$/.test(name);
  const context = isNumber ? undefined : contextName(name, contexts);
  if (context !== undefined) return { context };
  const index = isNumber ? Number(name) : nodes.findLastIndex((node) => node.stage.name === name.toLowerCase());
  if (index === -1 && !/^-/.test(name)) return name === 'scratch' ? { scratch: true } : { image: name };
  const node = nodes[index];
  if (!node || index < 0) {
    throw syntaxError(`there is no build stage number ${name}`, {
      ...at,
      hint: `Stages count from 0; this file has ${nodes.length}.`,
    });
  }
  if (index >= own.stage.index) {
    throw syntaxError(`cannot use the stage ${node.label}: it must stand before the stage ${own.label}`, at);
  }
  return { stage: index };
}

function dependenciesOf(node: StageNode, sources: Sources): number[] {
  const base = 'stage' in node.base ? [node.base.stage] : [];
  return [...base, ...node.stage.instructions.flatMap((instruction) => stagesOf(instruction, sources, node))];
}

/** Numbers of the stages that an instruction takes files from. */
export function stagesOf(instruction: StageInstruction, sources: Sources, node: StageNode): number[] {
  const names =
    instruction.name === 'COPY'
      ? [instruction.from]
      : instruction.name === 'RUN'
        ? instruction.mounts.map(mountSource)
        : [];
  return names.flatMap((name) => {
    const ref = name === undefined ? undefined : sourceRef(name, sources, node, instruction);
    return ref && 'stage' in ref ? [ref.stage] : [];
  });
}

function mountSource(mount: string): string | undefined {
  try {
    return readMount(mount, (value) => value).from;
  } catch {
    return undefined; // told when the step is reached, with variables expanded
  }
}
