import type { SourceSpan } from '../../common/diagnostic.ts';
import type { GivenArgs } from '../args.ts';
import { expandAt, type Graph, type StageNode } from '../graph.ts';
import { readMount } from '../language/mount-option.ts';
import type { BuildFile, Instruction, InstructionOf } from '../language/types.ts';
import type { BuildCall } from './call.ts';
import { lintRules } from './rule-table.ts';
import type { LintWarning } from './warning.ts';

/** Lines of the build file, from 1, as Docker's clients print them. */
interface Location {
  readonly ranges: readonly { readonly start: { readonly line: number }; readonly end: { readonly line: number } }[];
}
interface Named {
  readonly name: string;
  readonly description?: string;
  readonly location: Location;
}

/** What `build --check` says, in the shape of BuildKit's. */
export interface CheckResult {
  readonly warnings: readonly {
    readonly ruleName: string;
    readonly description: string;
    readonly url: string;
    readonly detail: string;
    readonly location: Location;
    /** Ours: `file:line:column` in parts. */
    readonly at: SourceSpan;
  }[];
  readonly sources: readonly string[];
}
export interface TargetsResult {
  readonly targets: readonly (Partial<Named> & {
    readonly default?: boolean;
    readonly base?: string;
    readonly platform?: string;
    readonly location: Location;
  })[];
  readonly sources: readonly string[];
}
export interface OutlineResult extends Partial<Named> {
  readonly args?: readonly (Named & { readonly value?: string })[];
  readonly secrets?: readonly (Named & { readonly required?: boolean })[];
  readonly ssh?: readonly (Named & { readonly required?: boolean })[];
  readonly cacheMounts?: readonly Named[];
  readonly sources: readonly string[];
}

const locationOf = ({ line, endLine = line }: SourceSpan): Location => ({
  ranges: [{ start: { line }, end: { line: endLine } }],
});
const sourcesOf = ({ text }: BuildFile): string[] => [Buffer.from(text).toString('base64')];
const checkUrl = (rule: string): string => `docs/checks/${rule}.md`;

function describeChecks(warnings: readonly LintWarning[], file: BuildFile): CheckResult {
  return {
    warnings: warnings.map(({ rule, message, at }) => ({
      ruleName: rule,
      description: lintRules[rule].description,
      url: checkUrl(rule),
      detail: message,
      location: locationOf(at),
      at,
    })),
    sources: sourcesOf(file),
  };
}

/** The comment above an instruction that begins with the name of what it defines. */
function descriptionOf(instruction: Instruction, name: string): { description?: string } {
  const start = `${name.toLowerCase()} `;
  const comment = instruction.comments.find((line) => line.toLowerCase().startsWith(start));
  return comment === undefined ? {} : { description: comment.slice(start.length).trim() };
}

function describeTargets(graph: Graph): TargetsResult {
  const { nodes, file } = graph;
  return {
    targets: nodes.map(({ stage }, index) => {
      const { from, name } = stage;
      return {
        ...(name !== undefined && { name, ...descriptionOf(from, name) }),
        ...(index === nodes.length - 1 && { default: true }),
        base: from.base,
        ...(from.platform !== undefined && { platform: from.platform }),
        location: locationOf(from.at),
      };
    }),
    sources: sourcesOf(file),
  };
}

/** What can be given to a build of the target: arguments, secrets, agents. */
function describeOutline(graph: Graph, globals: ReadonlyMap<string, string>, given: GivenArgs): OutlineResult {
  const { file, target } = graph;
  const needed = graph.nodes.filter((node) => graph.needed.has(node.stage.index));
  const args = new Map<string, Named & { value?: string }>();
  const texts = needed.map(({ stage: { from } }) => `${from.base} ${from.platform ?? ''}`).join(' ');
  for (const instruction of file.globalArgs) {
    for (const { key } of instruction.args) {
      const redeclared = needed.some(({ stage }) => stage.instructions.some((other) => declares(other, key)));
      if (!redeclared && !new RegExp(`\\$\\{?${key.replace(/\W/g, '\\$&')}\\b`).test(texts)) continue;
      args.set(key, argument(instruction, key, globals.get(key)));
    }
  }
  /** Variables at the end of each stage: those that build on it go on from there. */
  const ends = new Map<number, ReadonlyMap<string, string>>();
  for (const { stage, base } of needed) {
    const values = new Map('stage' in base ? ends.get(base.stage) : undefined);
    const lookup = (name: string) => values.get(name);
    for (const instruction of stage.instructions) {
      const read = (text: string) => expandAt(text, { file, at: instruction, lookup });
      if (instruction.name === 'ENV') for (const { key, value } of instruction.pairs) values.set(key, read(value));
      if (instruction.name !== 'ARG') continue;
      for (const { key, value } of instruction.args) {
        const result = given.get(key) ?? (value === undefined ? globals.get(key) : read(value));
        if (result !== undefined) values.set(key, result);
        // What was declared before the first FROM, or by the platform, is no argument of its own.
        if (value === undefined && !given.has(key) && globals.has(key)) continue;
        const described = argument(instruction, key, result);
        const before = args.get(key);
        if (!before || (!before.description && described.description)) args.set(key, { ...before, ...described });
      }
    }
    ends.set(stage.index, values);
  }
  const { name } = target.stage;
  return {
    ...(name !== undefined && { name, ...descriptionOf(target.stage.from, name) }),
    location: locationOf(target.stage.from.at),
    ...(args.size > 0 && { args: [...args.values()] }),
    ...mountsOf(needed),
    sources: sourcesOf(file),
  };
}

const declares = (instruction: Instruction, key: string): boolean =>
  instruction.name === 'ARG' && instruction.args.some((arg) => arg.key === key);

function argument(instruction: InstructionOf<'ARG'>, name: string, value: string | undefined) {
  const location = locationOf(instruction.at);
  return { name, ...descriptionOf(instruction, name), ...(value !== undefined && { value }), location };
}

function mountsOf(nodes: readonly StageNode[]): Pick<OutlineResult, 'secrets' | 'ssh' | 'cacheMounts'> {
  const found = { secret: new Map<string, Named>(), ssh: new Map<string, Named>(), cache: new Map<string, Named>() };
  for (const instruction of nodes.flatMap(({ stage }) => stage.instructions)) {
    if (instruction.name !== 'RUN') continue;
    for (const option of instruction.mounts) {
      const { type, id, source, target, required } = readMount(option, (value) => value);
      if (type === 'bind' || type === 'tmpfs') continue;
      const plain = type === 'ssh' ? 'default' : (target ?? '');
      const name = id ?? (type === 'secret' ? (source ?? plain.split('/').at(-1)) : plain) ?? plain;
      const before = found[type].get(name);
      const needed = required ? { required: true } : {};
      found[type].set(name, { name, location: locationOf(instruction.at), ...before, ...needed });
    }
  }
  const { secret, ssh, cache } = found;
  return {
    ...(secret.size > 0 && { secrets: [...secret.values()] }),
    ...(ssh.size > 0 && { ssh: [...ssh.values()] }),
    ...(cache.size > 0 && { cacheMounts: [...cache.values()] }),
  };
}

/** The answer to `--call`. */
export function answerCall(
  call: BuildCall,
  about: {
    readonly graph: Graph;
    readonly globals: ReadonlyMap<string, string>;
    readonly given: GivenArgs;
    readonly warnings: readonly LintWarning[];
  },
): CheckResult | OutlineResult | TargetsResult {
  const { graph, globals, given, warnings } = about;
  if (call === 'check') return describeChecks(warnings, graph.file);
  return call === 'targets' ? describeTargets(graph) : describeOutline(graph, globals, given);
}
