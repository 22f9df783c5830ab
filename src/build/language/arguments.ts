import { type ArgumentForm, type Arguments, InstructionError } from './form.ts';
import type { KeyValue } from './types.ts';
import { splitWords } from './words.ts';

type Cut = Pick<Arguments, 'args' | 'json' | 'pairs'>;

/** Cuts the text after an instruction's flags into arguments, as the instruction's form says. */
export function cutArguments(form: ArgumentForm, text: string, escapeChar: string, name: string): Cut {
  const plain = (args: readonly string[]): Cut => ({ args, json: false, pairs: [] });
  if (text === '' && form !== 'list') return plain([]);
  switch (form) {
    case 'words':
      return plain(text.split(/[\t\v\f\r ]+/));
    case 'names':
      return plain(splitWords(text, escapeChar));
    case 'text':
    case 'instruction':
      return plain([text]);
    case 'pairs':
      return { args: [], json: false, pairs: cutPairs(text, escapeChar, name) };
    case 'list': {
      const array = jsonStrings(text);
      if (array) return { args: array, json: true, pairs: [] };
      return plain(text === '' ? [] : text.split(/[\t\v\f\r ]+/));
    }
    case 'command': {
      const array = jsonStrings(text);
      return array ? { args: array, json: true, pairs: [] } : plain([text]);
    }
    case 'typed-command': {
      const [, type = '', command = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
      const array = jsonStrings(command);
      if (array) return { args: [type, ...array], json: true, pairs: [] };
      return plain(command === '' ? [type] : [type, command]);
    }
  }
}

/** The strings of a JSON array; undefined where the text is not one (then it is the shell form). */
function jsonStrings(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((item) => typeof item === 'string')) {
    throw new InstructionError('in the JSON form, all elements of the array must be strings', { token: text });
  }
  return value;
}

/** `key=value ...`, or the old form `key the whole rest`. */
function cutPairs(text: string, escapeChar: string, name: string): readonly KeyValue[] {
  const words = splitWords(text, escapeChar);
  const first = words[0];
  if (first === undefined) return [];
  if (!first.includes('=')) {
    const match = /^([^\t\v\f\r ]*)[\t\v\f\r ]+([\s\S]*)$/.exec(text);
    if (!match) {
      throw new InstructionError(`${name} must have two arguments`, { token: first, hint: `${name} key=value ...` });
    }
    return [{ key: match[1] ?? '', value: match[2] ?? '', legacy: true }];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw new InstructionError(`there is no = in ${JSON.stringify(word)}`, {
        token: word,
        hint: `${name} takes key=value; quote values with white space.`,
      });
    }
    return { key: word.slice(0, equals), value: word.slice(equals + 1), legacy: false };
  });
}
