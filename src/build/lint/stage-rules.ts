import { posix } from 'node:path';
import { codeOf } from '../../common/error.ts';
import { nearest } from '../../common/nearest.ts';
import { parseReference } from '../../image/reference.ts';
import { isGitSource, isRemoteSource } from '../add-remote.ts';
import type { StageNode } from '../graph.ts';
import { expand } from '../language/expand.ts';
import { ExpansionError } from '../language/expansion-error.ts';
import type { BuildFile, InstructionOf, StageInstruction } from '../language/types.ts';
import { formatPlatform } from '../platform.ts';
import type { Platform } from '../stage-state.ts';
import { type LintWarning, placeOf, warn } from './warning.ts';

/** What is known of a base image. */
export interface BaseFacts {
  readonly variables: readonly string[];
  readonly platform: string;
}

export interface StageChecks {
  readonly file: BuildFile;
  readonly nodes: readonly StageNode[];
  readonly needed: ReadonlySet<number>;
  /** Variables of FROM that hold a value. */
  readonly globals: ReadonlyMap<string, string>;
  readonly platform: Platform;
  /** By number of stage; what is unknown is not complained about. */
  readonly bases: ReadonlyMap<number, BaseFacts>;
  /** Whether the ignore file leaves a path of the context out. */
  readonly isIgnored: (path: string) => boolean;
}

/** Where a stage stands: what the next instruction finds. */
interface Scope {
  /** Undefined: the base's are unknown, so any may be set. */
  variables: Set<string> | undefined;
  workdirSet: boolean;
  shellSet: boolean;
}

/** Checks that follow the stages. */
export function checkStages(checks: StageChecks): LintWarning[] {
  const scopes: Scope[] = [];
  const warnings: LintWarning[] = [];
  for (const node of checks.nodes) {
    const { base, stage } = node;
    warnings.push(...checkBase(node, checks));
    const parent = 'stage' in base ? scopes[base.stage] : undefined;
    const known = 'scratch' in base ? ['PATH'] : checks.bases.get(stage.index)?.variables;
    const scope: Scope = parent
      ? { ...parent, variables: parent.variables && new Set(parent.variables) }
      : { variables: known && new Set(['PATH', ...known]), workdirSet: false, shellSet: false };
    scopes[stage.index] = scope;
    if (!checks.needed.has(stage.index)) continue;
    for (const instruction of stage.instructions) warnings.push(...checkInstruction(instruction, scope, checks));
    warnings.push(...checkRepeated(stage.instructions));
  }
  return warnings;
}

const platformNames = ['PLATFORM', 'OS', 'ARCH', 'VARIANT'].flatMap((name) => [`TARGET${name}`, `BUILD${name}`]);

function checkBase({ stage, base }: StageNode, checks: StageChecks): LintWarning[] {
  const { from } = stage;
  const { file } = checks;
  const declared = new Set([
    ...platformNames,
    'TARGETSTAGE',
    ...file.globalArgs.flatMap(({ args }) => args.map(({ key }) => key)),
  ]);
  const warnings: LintWarning[] = [];
  for (const text of [from.base, from.platform ?? '']) {
    for (const name of unsetIn(text, (key) => (declared.has(key) ? '' : undefined), file)) {
      const message = `FROM argument '${name}' is not declared${suggestion(name, [...declared], '')}`;
      warnings.push(warn('UndefinedArgInFrom', message, placeOf(from, name)));
    }
  }
  const defaults = defaultsOf(file);
  const image = expanded(from.base, (key) => defaults.get(key) ?? (declared.has(key) ? '' : undefined), file);
  if (image !== undefined && image !== from.base && !isImageName(image)) {
    const message = `Default value for ARG ${from.base} results in empty or invalid base image name`;
    warnings.push(warn('InvalidDefaultArgInFrom', message, placeOf(from, from.base)));
  }
  const facts = checks.bases.get(stage.index);
  const wanted = formatPlatform(checks.platform);
  if (facts && 'image' in base && from.platform === undefined && facts.platform !== wanted) {
    const message = `Base image ${base.image} was pulled with platform "${facts.platform}", expected "${wanted}" for current build`;
    warnings.push(warn('InvalidBaseImagePlatform', message, placeOf(from, from.base)));
  }
  return warnings;
}

function defaultsOf(file: BuildFile): Map<string, string> {
  const values = new Map(platformNames.map((name) => [name, 'x']));
  for (const { args } of file.globalArgs) {
    for (const { key, value } of args) {
      values.set(key, expanded(value ?? '', (name) => values.get(name) ?? '', file) ?? '');
    }
  }
  return values;
}

function isImageName(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (codeOf(error) === 'REFERENCE_INVALID') return false;
    throw error;
  }
}

type Lookup = (name: string) => string | undefined;

function expanded(text: string, lookup: Lookup, file: BuildFile): string | undefined {
  try {
    return expand(text, { lookup, escapeChar: file.escapeChar }).text;
  } catch (error) {
    if (error instanceof ExpansionError) return undefined; // told by the build itself
    throw error;
  }
}

function unsetIn(
  text: string,
  lookup: Lookup,
  { escapeChar }: Pick<BuildFile, 'escapeChar'>,
  plainQuotes = false,
): readonly string[] {
  try {
    return [...expand(text, { lookup, escapeChar, plainQuotes }).unset];
  } catch (error) {
    if (error instanceof ExpansionError) return [];
    throw error;
  }
}

function suggestion(name: string, known: readonly string[], sigil: '' | '$'): string {
  const meant = nearest(name, known);
  return meant === undefined ? '' : ` (did you mean ${sigil}${meant}?)`;
}

function checkInstruction(instruction: StageInstruction, scope: Scope, checks: StageChecks): LintWarning[] {
  const warnings = checkVariables(instruction, scope, checks);
  switch (instruction.name) {
    case 'WORKDIR':
      if (!scope.workdirSet && !/^["']?[/$]/.test(instruction.path)) {
        const message = `Relative workdir ${JSON.stringify(instruction.path)} can have unexpected results if the base image changes`;
        warnings.push(warn('WorkdirRelativePath', message, instruction.at));
      }
      scope.workdirSet = true;
      break;
    case 'CMD':
    case 'ENTRYPOINT':
      if (!instruction.command.json && !scope.shellSet && instruction.command.args.length > 0) {
        const message = `JSON arguments recommended for ${instruction.name} to prevent unintended behavior related to OS signals`;
        warnings.push(warn('JSONArgsRecommended', message, instruction.at));
      }
      break;
    case 'SHELL':
      scope.shellSet = true;
      break;
    case 'EXPOSE':
      warnings.push(...checkPorts(instruction));
      break;
    case 'COPY':
    case 'ADD':
      warnings.push(...checkSources(instruction, checks));
      break;
    default:
  }
  return warnings;
}

function wordsOf(instruction: StageInstruction): readonly string[] {
  switch (instruction.name) {
    case 'ENV':
    case 'LABEL':
      return instruction.pairs.flatMap(({ key, value }) => [key, value]);
    case 'ARG':
      return instruction.args.flatMap(({ value }) => value ?? []);
    case 'VOLUME':
      return instruction.paths;
    case 'USER':
      return [instruction.user];
    case 'WORKDIR':
      return [instruction.path];
    case 'STOPSIGNAL':
      return [instruction.signal];
    case 'COPY':
    case 'ADD':
      return [...instruction.sources, instruction.destination, instruction.chown ?? '', instruction.chmod ?? ''];
    case 'RUN':
      return instruction.mounts;
    default:
      return [];
  }
}

/** Bodies of heredocs in which variables are expanded; quotes in them are text. */
const bodiesOf = (instruction: StageInstruction): readonly string[] =>
  instruction.name === 'COPY' || instruction.name === 'ADD'
    ? instruction.inline.flatMap(({ content, expand: isExpanded }) => (isExpanded ? [content] : []))
    : [];

function checkVariables(instruction: StageInstruction, scope: Scope, { file }: StageChecks): LintWarning[] {
  const { variables } = scope;
  const warnings: LintWarning[] = [];
  const told = new Set<string>();
  if (variables) {
    const lookup: Lookup = (name) => (variables.has(name) ? '' : undefined);
    const inWords = wordsOf(instruction).flatMap((word) => unsetIn(word, lookup, file));
    const inBodies = bodiesOf(instruction).flatMap((body) => unsetIn(body, lookup, { escapeChar: '\\' }, true));
    for (const name of [...inWords, ...inBodies]) {
      if (told.has(name)) continue;
      told.add(name);
      const message = `Usage of undefined variable '$${name}'${suggestion(name, [...variables], '$')}`;
      warnings.push(warn('UndefinedVar', message, placeOf(instruction, name)));
    }
  }
  if (instruction.name === 'ENV') for (const { key } of instruction.pairs) variables?.add(key);
  if (instruction.name === 'ARG') for (const { key } of instruction.args) variables?.add(key);
  return warnings;
}

function checkPorts(instruction: InstructionOf<'EXPOSE'>): LintWarning[] {
  return instruction.ports.flatMap((port) => {
    const warnings: LintWarning[] = [];
    const at = placeOf(instruction, port);
    const protocol = port.split('/')[1] ?? '';
    if (!port.includes('$') && protocol !== protocol.toLowerCase()) {
      const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
      warnings.push(warn('ExposeProtoCasing', message, at));
    }
    if (!port.includes('$') && port.includes(':')) {
      const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
      warnings.push(warn('ExposeInvalidFormat', message, at));
    }
    return warnings;
  });
}

function checkSources(instruction: InstructionOf<'COPY'> | InstructionOf<'ADD'>, checks: StageChecks): LintWarning[] {
  if (instruction.name === 'COPY' && instruction.from !== undefined) return [];
  return instruction.sources.flatMap((source) => {
    if (source.includes('$') || isRemoteSource(source) || isGitSource(source)) return [];
    const path = posix.join('/', source).slice(1).replace(/\/$/, '');
    if (path === '' || !checks.isIgnored(path)) return [];
    const verb = instruction.name === 'ADD' ? 'Add' : 'Copy';
    const message = `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
    return [warn('CopyIgnoredFile', message, placeOf(instruction, source))];
  });
}

/** Of several of a kind the last one counts; the ones before it are the mistakes. */
function checkRepeated(instructions: readonly StageInstruction[]): LintWarning[] {
  return (['CMD', 'HEALTHCHECK', 'ENTRYPOINT'] as const).flatMap((name) =>
    instructions
      .filter((instruction) => instruction.name === name)
      .slice(0, -1)
      .map(({ at }) => {
        const message = `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`;
        return warn('MultipleInstructionsDisallowed', message, at);
      }),
  );
}
