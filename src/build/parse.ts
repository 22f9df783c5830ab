import { instructionNames, instructionTable } from './instructions.ts';
import { cutArguments } from './language/arguments.ts';
import { readFlags } from './language/flags.ts';
import { type Arguments, InstructionError } from './language/form.ts';
import { readHeredocs } from './language/heredoc.ts';
import { type LineReader, type LogicalLine, openLines, readLogicalLine, spanOf } from './language/lines.ts';
import { didYouMean } from '../common/nearest.ts';
import { syntaxError } from './language/syntax-error.ts';
import type {
  BuildFile,
  Instruction,
  InstructionName,
  InstructionOf,
  Stage,
  StageInstruction,
} from './language/types.ts';
import { takeFlags } from './language/words.ts';

/**
 * Reads an iEchorfile (Dockerfile). `file` is the name that errors show. Pure; throws BUILD_SYNTAX with the place,
 * the line and, where a name looks mistyped, the name it resembles.
 */
export function parseBuildFile(text: string, file: string): BuildFile {
  const reader = openLines(text, file);
  const instructions = readInstructions(reader);
  const globalArgs: InstructionOf<'ARG'>[] = [];
  const stages: Stage[] = [];
  let body: StageInstruction[] = [];
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') {
      body = [];
      const name = instruction.as;
      const stage: Stage = { index: stages.length, from: instruction, instructions: body, ...(name && { name }) };
      stages.push(stage);
    } else if (stages.length > 0) body.push(instruction);
    else if (instruction.name === 'ARG') globalArgs.push(instruction);
    else {
      throw syntaxError(`no build stage in current context: ${instruction.name} stands before the first FROM`, {
        at: instruction.at,
        lines: reader.lines,
        hint: 'Only ARG may stand before FROM. Begin with FROM and the image to build on.',
      });
    }
  }
  if (stages.length === 0) {
    const isEmpty = reader.lines.join('') === '';
    const without = isEmpty ? 'the file is empty' : 'file with no instructions';
    throw syntaxError(instructions.length === 0 ? without : 'the file has no build stage', {
      at: { file, line: Math.max(1, reader.lines.length), column: 1 },
      lines: reader.lines,
      hint: 'Begin with FROM and the image to build on.',
    });
  }
  checkSyntax(reader);
  checkLabs(reader, stages);
  const { lines, escapeChar, directives } = reader;
  return { file, text, lines, escapeChar, directives, globalArgs, stages };
}

/** Flags that are not part of the language yet: BuildKit, too, knows them only where the file asks for its labs. */
function checkLabs(reader: LineReader, stages: readonly Stage[]): void {
  if (/-labs(@|$)|-upstream|:labs/.test(reader.directives.get('syntax') ?? '')) return;
  for (const instruction of stages.flatMap((stage) => stage.instructions)) {
    if (instruction.name !== 'RUN') continue;
    const flag =
      instruction.security !== undefined ? 'security' : instruction.devices.length > 0 ? 'device' : undefined;
    if (flag === undefined) continue;
    throw syntaxError(`unknown flag: --${flag}`, {
      ...instruction,
      hint: 'It is experimental: begin the file with "# syntax=docker/dockerfile:1-labs".',
    });
  }
}

/** Other front ends are images to run; this one reads its own language and Docker's. */
function checkSyntax(reader: LineReader): void {
  const syntax = reader.directives.get('syntax')?.split(' ', 1)[0];
  if (syntax === undefined || /(^|\/)(docker\/dockerfile|iechor\/iechorfile)(-upstream)?(:|@|$)/.test(syntax)) return;
  const line = reader.lines.findIndex((text) => /^#\s*syntax\s*=/i.test(text)) + 1;
  throw syntaxError(`the syntax ${syntax} is not supported`, {
    at: { file: reader.file, line, column: 1 },
    lines: reader.lines,
    hint: 'Leave the line out, or write iechor/iechorfile:1 or docker/dockerfile:1.',
    code: 'NOT_SUPPORTED',
  });
}

/** Reads the instruction of an ONBUILD trigger; `at` is the place of the FROM that brought it. */
export function parseTrigger(trigger: string, from: InstructionOf<'FROM'>): StageInstruction {
  const reader = openLines(trigger, `${from.at.file}: ONBUILD of ${from.base}`);
  const [instruction, ...others] = readInstructions(reader);
  if (!instruction || others.length > 0 || instruction.name === 'FROM') {
    throw syntaxError(`the ONBUILD trigger ${JSON.stringify(trigger)} of ${from.base} is not one instruction`, from);
  }
  return instruction;
}

function readInstructions(reader: LineReader): Instruction[] {
  const instructions: Instruction[] = [];
  for (let line = readLogicalLine(reader); line; line = readLogicalLine(reader)) {
    instructions.push(readInstruction(reader, line));
  }
  return instructions;
}

function readInstruction(reader: LineReader, line: LogicalLine): Instruction {
  const word = /^[^\t\v\f\r ]+/.exec(line.text)?.[0] ?? '';
  const name = word.toUpperCase();
  if (!isInstructionName(name)) {
    throw syntaxError(`unknown instruction: ${word}`, {
      at: spanOf(line, reader.file, 0, word.length),
      lines: reader.lines,
      hint: didYouMean(word, instructionNames),
    });
  }
  try {
    return build(name, reader, line, word.length);
  } catch (error) {
    if (!(error instanceof InstructionError)) throw error;
    const from = error.token === undefined ? -1 : line.text.indexOf(error.token);
    const length = from < 0 ? undefined : error.token?.length;
    throw syntaxError(error.message, {
      at: spanOf(line, reader.file, Math.max(0, from), length),
      lines: reader.lines,
      hint: error.hint,
    });
  }
}

function isInstructionName(name: string): name is InstructionName {
  return Object.hasOwn(instructionTable, name);
}

function build<N extends InstructionName>(
  name: N,
  reader: LineReader,
  line: LogicalLine,
  nameLength: number,
): Instruction {
  const row = instructionTable[name];
  const body = line.text.slice(nameLength).trim();
  const { flags: words, rest } = name === 'ONBUILD' ? { flags: [], rest: body } : takeFlags(body, reader.escapeChar);
  const text = rest.trim();
  const cut = cutArguments(row.form, text, reader.escapeChar, name);
  if (name === 'ONBUILD') checkCut(text, reader.escapeChar);
  const heredocs = row.heredocs && !cut.json && mayHoldHeredoc(name, text) ? readHeredocs(reader, line) : [];
  const flags = readFlags(
    words.map((flag) => flag.text),
    row.flags,
  );
  // A trigger is kept to its last space.
  const given: Arguments = {
    ...cut,
    heredocs,
    flags,
    text: name === 'ONBUILD' ? line.text.slice(nameLength).trimStart() : text,
  };
  const fields = row.read(given);
  const at = spanOf(line, reader.file);
  const { comments, hasEmptyContinuation, endLine } = line;
  const context = { comments, ...(hasEmptyContinuation && { emptyContinuation: endLine }) };
  return { name, at, source: line.text.trim(), lines: reader.lines, ...context, ...fields } as unknown as Instruction;
}

/** An ONBUILD trigger is cut into its arguments at once, as BuildKit does; the rest of it is checked where it is used. */
function checkCut(text: string, escapeChar: string): void {
  const word = /^\S*/.exec(text)?.[0] ?? '';
  const name = word.toUpperCase();
  if (!isInstructionName(name)) return;
  cutArguments(
    instructionTable[name].form,
    takeFlags(text.slice(word.length).trim(), escapeChar).rest.trim(),
    escapeChar,
    name,
  );
}

/** ONBUILD holds a heredoc where the instruction after it may. */
function mayHoldHeredoc(name: InstructionName, text: string): boolean {
  return name !== 'ONBUILD' || /^(ADD|COPY|RUN)\s/i.test(text);
}
