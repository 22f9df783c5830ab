import { posix } from 'node:path';
import { codeOf } from '../../common/error.ts';
import { nearest } from '../../common/nearest.ts';
import { parseReference } from '../../image/reference.ts';
import type { GivenArgs } from '../args.ts';
import { isGitSource, isRemoteSource } from '../add-remote.ts';
import type { StageNode } from '../graph.ts';
import { expand } from '../language/expand.ts';
import { ExpansionError } from '../language/expansion-error.ts';
import type { BuildFile, InstructionOf, StageInstruction } from '../language/types.ts';
import { formatPlatform } from '../platform.ts';
import type { Platform } from '../stage-state.ts';
import { checkWords } from './file-rules.ts';
import { inheritScope, openScope, type Scope, setVariables, valueIn } from './scope.ts';
import { type Told, triggersOf } from './trigger-checks.ts';
import { type LintWarning, placeOf, warn } from './warning.ts';

/** What is known of a base image. */
export interface BaseFacts {
  readonly variables: ReadonlyMap<string, string>;
  readonly platform: string;
  readonly hasShell: boolean;
  /** Its ONBUILD triggers. */
  readonly triggers: readonly string[];
}

export interface StageChecks {
  readonly file: BuildFile;
  readonly nodes: readonly StageNode[];
  readonly needed: ReadonlySet<number>;
  /** Variables of FROM that hold a value. */
  readonly globals: ReadonlyMap<string, string>;
  readonly given: GivenArgs;
  readonly platform: Platform;
  /** By number of stage; what is unknown is not complained about. */
  readonly bases: ReadonlyMap<number, BaseFacts>;
  /** Whether the ignore file leaves a path of the context out. */
  readonly isIgnored: (path: string) => boolean;
}

/** Checks that follow the stages. */
export function checkStages(checks: StageChecks): LintWarning[] {
  const scopes: Scope[] = [];
  const warnings: LintWarning[] = [];
  for (const node of checks.nodes) {
    const { base, stage } = node;
    warnings.push(...checkBase(node, checks));
    const parent = 'stage' in base ? scopes[base.stage] : undefined;
    const facts = checks.bases.get(stage.index);
    const scope = parent ? inheritScope(parent) : openScope('scratch' in base ? 'scratch' : facts);
    scopes[stage.index] = scope;
    if (!checks.needed.has(stage.index)) continue;
    const triggers = triggersOf(node, checks.nodes, facts?.triggers);
    for (const { instruction, tell } of triggers)
      warnings.push(...[...checkWords(instruction), ...checkInstruction(instruction, scope, checks)].map(tell));
    for (const instruction of stage.instructions) warnings.push(...checkInstruction(instruction, scope, checks));
    const own = stage.instructions.map((instruction): Told => ({ instruction, tell: (warning) => warning }));
    warnings.push(...checkRepeated([...triggers, ...own]));
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
      warnings.push(...checkDirectory(instruction, scope, checks));
      break;
    case 'CMD':
    case 'ENTRYPOINT':
      if (!instruction.command.json && !scope.shellSet) {
        const message = `JSON arguments recommended for ${instruction.name} to prevent unintended behavior related to OS signals`;
        warnings.push(warn('JSONArgsRecommended', message, instruction.at));
      }
      break;
    case 'SHELL':
      scope.shellSet = true;
      break;
    case 'EXPOSE':
      warnings.push(...checkPorts(instruction, scope, checks));
      break;
    case 'COPY':
    case 'ADD':
      warnings.push(...checkSources(instruction, scope, checks));
      break;
    default:
  }
  return warnings;
}

/** The first of a stage; those after it follow from it. */
function checkDirectory(instruction: InstructionOf<'WORKDIR'>, scope: Scope, { file }: StageChecks): LintWarning[] {
  const path = valueIn(instruction.path, scope, file)?.text;
  const isFirst = !scope.workdirSet;
  scope.workdirSet = true;
  if (!isFirst || path === undefined || path.startsWith('/')) return [];
  const message = `Relative workdir ${JSON.stringify(path)} can have unexpected results if the base image changes`;
  return [warn('WorkdirRelativePath', message, instruction.at)];
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

function checkVariables(instruction: StageInstruction, scope: Scope, checks: StageChecks): LintWarning[] {
  const { variables } = scope;
  const { file } = checks;
  const warnings: LintWarning[] = [];
  const told = new Set<string>();
  if (variables) {
    const lookup: Lookup = (name) => (variables.has(name) ? '' : undefined);
    const inWords = wordsOf(instruction).flatMap((word) => unsetIn(word, lookup, file));
    const inBodies = bodiesOf(instruction).flatMap((body) => unsetIn(body, lookup, { escapeChar: '\\' }, true));
    for (const name of [...inWords, ...inBodies]) {
      if (told.has(name)) continue;
      told.add(name);
      const message = `Usage of undefined variable '$${name}'${suggestion(name, [...variables.keys()], '$')}`;
      warnings.push(warn('UndefinedVar', message, placeOf(instruction, name)));
    }
  }
  setVariables(instruction, scope, checks);
  return warnings;
}

function checkPorts(instruction: InstructionOf<'EXPOSE'>, scope: Scope, { file }: StageChecks): LintWarning[] {
  return instruction.ports.flatMap((written) => {
    const at = placeOf(instruction, written);
    return (valueIn(written, scope, file)?.words ?? []).flatMap((port) => {
      const warnings: LintWarning[] = [];
      const protocol = port.split('/')[1] ?? '';
      if (protocol !== protocol.toLowerCase()) {
        const message = `Defined protocol '${port}' in EXPOSE instruction should be lowercase`;
        warnings.push(warn('ExposeProtoCasing', message, at));
      }
      if (port.includes(':')) {
        const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
        warnings.push(warn('ExposeInvalidFormat', message, at));
      }
      return warnings;
    });
  });
}

function checkSources(
  instruction: InstructionOf<'COPY'> | InstructionOf<'ADD'>,
  scope: Scope,
  { file, isIgnored }: StageChecks,
): LintWarning[] {
  if (instruction.name === 'COPY' && instruction.from !== undefined) return [];
  return instruction.sources.flatMap((written) => {
    const source = valueIn(written, scope, file)?.text;
    if (source === undefined || isRemoteSource(source) || isGitSource(source)) return [];
    const path = posix.join('/', source).slice(1).replace(/\/$/, '');
    if (path === '' || !isIgnored(path)) return [];
    const verb = instruction.name === 'ADD' ? 'Add' : 'Copy';
    const message = `Attempting to ${verb} file ${JSON.stringify(path)} that is excluded by .dockerignore`;
    return [warn('CopyIgnoredFile', message, placeOf(instruction, written))];
  });
}

/** Of several of a kind the last one counts; the ones before it are the mistakes. */
function checkRepeated(all: readonly Told[]): LintWarning[] {
  return (['CMD', 'HEALTHCHECK', 'ENTRYPOINT'] as const).flatMap((name) =>
    all
      .filter(({ instruction }) => instruction.name === name)
      .slice(0, -1)
      .map(({ instruction, tell }) => {
        const message = `Multiple ${name} instructions should not be used in the same stage because only the last one will be used`;
        return tell(warn('MultipleInstructionsDisallowed', message, instruction.at));
      }),
  );
}
