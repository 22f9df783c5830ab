import { expand } from '../language/expand.ts';
import type { BuildFile, Instruction, InstructionOf, Stage } from '../language/types.ts';
import { type LintWarning, placeOf, warn } from './warning.ts';

/** Checks that need the text alone, some of them of the stages alone that are `needed`. */
export function checkFile(file: BuildFile, needed: ReadonlySet<number>): LintWarning[] {
  const all: Instruction[] = [
    ...file.globalArgs,
    ...file.stages.flatMap(({ from, instructions }) => [from, ...instructions]),
  ];
  return [
    ...all.flatMap(checkContinuation),
    ...checkCasing(file),
    ...checkStageNames(file.stages),
    ...file.stages.flatMap(({ from }) => [...checkFrom(from), ...checkPlatform(from, file)]),
    ...all.flatMap(checkMaintainer),
    ...file.stages
      .filter(({ index }) => needed.has(index))
      .flatMap(({ instructions }) => instructions.flatMap(checkWords)),
    ...checkDescriptions(all),
  ];
}

/** Checks of one instruction of a stage that need its text alone. */
export const checkWords = (instruction: Instruction): LintWarning[] => [
  ...checkFormat(instruction),
  ...checkSecrets(instruction),
];

const wordOf = (instruction: Instruction): string => /^\S*/.exec(instruction.source)?.[0] ?? '';

function checkContinuation(instruction: Instruction): LintWarning[] {
  if (!instruction.emptyContinuation) return [];
  const line = instruction.emptyContinuation;
  const at = { file: instruction.at.file, line, column: 1, endLine: line, endColumn: 1 };
  return [warn('NoEmptyContinuation', 'Empty continuation line', at)];
}

/** Words in mixed case agree with nobody; the majority of the others says how it should be. */
function checkCasing(file: BuildFile): LintWarning[] {
  const all: Instruction[] = file.stages.flatMap(({ from, instructions }) => [from, ...instructions]);
  const words = all.map(wordOf);
  const lower = words.filter((word) => word === word.toLowerCase()).length;
  const upper = words.filter((word) => word === word.toUpperCase()).length;
  const wanted = lower > upper ? 'lowercase' : 'uppercase';
  return all.flatMap((instruction) => {
    const word = wordOf(instruction);
    if (word === (lower > upper ? word.toLowerCase() : word.toUpperCase())) return [];
    const message = `Command '${word}' should match the case of the command majority (${wanted})`;
    return [warn('ConsistentInstructionCasing', message, placeOf(instruction, word))];
  });
}

const reserved = ['context', 'scratch'];

function checkStageNames(stages: readonly Stage[]): LintWarning[] {
  const seen = new Set<string>();
  return stages.flatMap(({ name, from }) => {
    if (name === undefined) return [];
    const at = placeOf(from, asOf(from).name ?? name);
    const warnings: LintWarning[] = [];
    if (reserved.includes(name)) {
      const message = `Stage name should not use the same name as reserved stage ${JSON.stringify(name)}`;
      warnings.push(warn('ReservedStageName', message, at));
    }
    if (seen.has(name)) {
      const message = `Duplicate stage name ${JSON.stringify(name)}, stage names should be unique`;
      warnings.push(warn('DuplicateStageName', message, at));
    }
    seen.add(name);
    return warnings;
  });
}

function asOf(from: InstructionOf<'FROM'>): { word?: string; name?: string } {
  const [, word, name] = /\s(as)\s+(\S+)\s*$/i.exec(from.source) ?? [];
  return { ...(word && { word }), ...(name && { name }) };
}

function checkFrom(from: InstructionOf<'FROM'>): LintWarning[] {
  const { word, name } = asOf(from);
  const warnings: LintWarning[] = [];
  if (name !== undefined && name !== name.toLowerCase()) {
    warnings.push(warn('StageNameCasing', `Stage name '${name}' should be lowercase`, placeOf(from, name)));
  }
  const keyword = wordOf(from);
  const [lower, upper] = [keyword.toLowerCase(), keyword.toUpperCase()];
  const agrees = keyword === lower ? word === word?.toLowerCase() : keyword !== upper || word === word?.toUpperCase();
  if (word !== undefined && !agrees) {
    const message = `'${word}' and '${keyword}' keywords' casing do not match`;
    warnings.push(warn('FromAsCasing', message, placeOf(from, ` ${word} `)));
  }
  return warnings;
}

function checkPlatform(from: InstructionOf<'FROM'>, file: BuildFile): LintWarning[] {
  const { platform } = from;
  if (platform === undefined) return [];
  const at = placeOf(from, '--platform');
  const { text, unset } = expand(platform, { lookup: () => undefined, escapeChar: file.escapeChar, keepUnset: true });
  if (unset.size === 0) {
    // A stage named after its platform is chosen among several, which is no mistake.
    const parts = text.split('/').map((part) => part.toLowerCase());
    if (from.as !== undefined && parts.some((part) => from.as?.includes(part))) return [];
    const message = `FROM --platform flag should not use constant value ${JSON.stringify(text)}`;
    return [warn('FromPlatformFlagConstDisallowed', message, at)];
  }
  if (unset.size > 1 || !/^\$(TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(platform)) return [];
  const message = 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior';
  return [warn('RedundantTargetPlatform', message.replace('$TARGETPLATFORM', platform), at)];
}

function checkMaintainer(instruction: Instruction): LintWarning[] {
  if (instruction.name !== 'MAINTAINER') return [];
  return [warn('MaintainerDeprecated', 'Maintainer instruction is deprecated in favor of using label', instruction.at)];
}

function checkFormat(instruction: Instruction): LintWarning[] {
  if (!(instruction.name === 'ENV' || instruction.name === 'LABEL') || !instruction.pairs[0]?.legacy) return [];
  const word = wordOf(instruction);
  const message = `"${word} key=value" should be used instead of legacy "${word} key value" format`;
  return [warn('LegacyKeyValueFormat', message, instruction.at)];
}

const secretWord = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
/** Whether a variable of this name would hold something to be kept. */
export const looksSecret = (name: string): boolean => secretWord.test(name) && !publicWord.test(name);
const publicWord = /(?:_|^)public(?:_|$)/i;

function checkSecrets(instruction: Instruction): LintWarning[] {
  if (instruction.name !== 'ENV' && instruction.name !== 'ARG') return [];
  const names = (instruction.name === 'ENV' ? instruction.pairs : instruction.args).map(({ key }) => key);
  return names.filter(looksSecret).map((name) => {
    const message = `Do not use ARG or ENV instructions for sensitive data (${instruction.name} ${JSON.stringify(name)})`;
    return warn('SecretsUsedInArgOrEnv', message, placeOf(instruction, name));
  });
}

/** The last comment right above a named stage or arguments begins with the name, or with one of theirs. */
function checkDescriptions(all: readonly Instruction[]): LintWarning[] {
  return all.flatMap((instruction) => {
    const names = definedBy(instruction);
    const word = instruction.comments.at(-1)?.split(' ', 1)[0];
    if (names.length === 0 || word === undefined || names.includes(word)) return [];
    const name = names.length > 1 ? '<arg_key>' : names[0];
    const message = `Comment for ${instruction.name} should follow the format: \`# ${name} <description>\``;
    return [warn('InvalidDefinitionDescription', message, instruction.at)];
  });
}

function definedBy(instruction: Instruction): readonly string[] {
  if (instruction.name === 'ARG') return instruction.args.map(({ key }) => key);
  return instruction.name === 'FROM' && instruction.as !== undefined ? [instruction.as] : [];
}
