// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are templates of Compose files
import { describe, expect, test } from '@jest/globals';
import { substitute, variablesOf } from '../../../../src/compose/source/template.ts';

const environment = new Map([
  ['SET', 'value'],
  ['EMPTY', ''],
  ['DOLLAR', '$SET ${SET}'],
]);
const evaluate = (template: string) => {
  const unset: string[] = [];
  const result = substitute(template, { lookup: (name) => environment.get(name), unset: (name) => unset.push(name) });
  return result.error ? result.error : { text: result.text, unset };
};

describe('variables in a value', () => {
  test.each([
    ['$SET', 'value'],
    ['${SET}', 'value'],
    ['a${SET}b$SET', 'avaluebvalue'],
    ['$$SET $${SET}', '$SET ${SET}'],
    ['price: $5 and $', 'price: $5 and $'],
    ['${SET-x} ${EMPTY-x} ${NONE-x}', 'value  x'],
    ['${SET:-x} ${EMPTY:-x} ${NONE:-x}', 'value x x'],
    ['${SET+x} ${EMPTY+x} ${NONE+x}', 'x x '],
    ['${SET:+x} ${EMPTY:+x} ${NONE:+x}', 'x  '],
    ['${SET?x} ${EMPTY?x}', 'value '],
    ['${SET:?x}', 'value'],
    ['${NONE:-${EMPTY:-${SET}}}', 'value'],
    ['${NONE:-a}${NONE:-b}', 'ab'],
    ['${NONE-a:-b}', 'a:-b'],
    ['${NONE:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'],
    ['${NONE:-http://x:80/?a=b}', 'http://x:80/?a=b'],
    ['${set:-lower}', 'lower'],
  ])('%s gives %s', (template, text) => {
    expect(evaluate(template)).toMatchObject({ text });
  });

  test('what a variable holds is not looked at again', () => {
    expect(evaluate('$DOLLAR')).toMatchObject({ text: '$SET ${SET}' });
    expect(evaluate('${NONE:-$DOLLAR}')).toMatchObject({ text: '$SET ${SET}' });
  });

  test('a plain variable that is not set is told, one with a default is not', () => {
    expect(evaluate('$NONE ${NONE} ${NONE:-x}')).toEqual({ text: '  x', unset: ['NONE', 'NONE'] });
  });

  test.each(['${', '${}', '${ SET}', '${SET', '${SET!x}', '${1A}', '${NONE:-two\nlines}'])(
    '%j is refused',
    (template) => {
      expect(evaluate(template)).toEqual({ kind: 'syntax', template });
    },
  );

  test('a required variable that has no value is refused with the reason, itself a template', () => {
    expect(evaluate('${EMPTY:?set it, $SET}')).toEqual({ kind: 'required', name: 'EMPTY', reason: 'set it, value' });
    expect(evaluate('${NONE?}')).toEqual({ kind: 'required', name: 'NONE', reason: '' });
    expect(evaluate('${SET:-${NONE?x}}')).toMatchObject({ kind: 'required' });
  });

  test('many variables on one line are read in one go', () => {
    const start = performance.now();
    expect(evaluate('${SET:-x}$NOT_HERE${EMPTY:-y}'.repeat(20_000))).toMatchObject({ text: 'valuey'.repeat(20_000) });
    expect(evaluate('${SET:-x'.repeat(20_000))).toMatchObject({ kind: 'depth' });
    expect(performance.now() - start).toBeLessThan(20_000);
  });

  test('a thousand nested defaults are evaluated, ten thousand refused, neither takes long', () => {
    const nested = (depth: number) => `${'${NONE:-'.repeat(depth)}x${'}'.repeat(depth)}`;
    const start = performance.now();
    expect(evaluate(nested(900))).toMatchObject({ text: 'x' });
    expect(evaluate(nested(10_000))).toEqual({ kind: 'depth' });
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

test('the variables of a value are listed with their defaults, nested ones too', () => {
  const found = variablesOf('$$NO ${A:-x${B?}} $C ${D+e}');
  expect([...found].sort((one, other) => (one.name < other.name ? -1 : 1))).toEqual([
    { name: 'A', defaultValue: 'x${B?}', presenceValue: '', required: false },
    { name: 'B', defaultValue: '', presenceValue: '', required: true },
    { name: 'C', defaultValue: '', presenceValue: '', required: false },
    { name: 'D', defaultValue: '', presenceValue: 'e', required: false },
  ]);
});
