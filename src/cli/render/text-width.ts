/** Escape sequences that colour text, or lead somewhere. */
const escapes = /\x1b\[[0-9;]*m|\x1b\]8;;[^\x07\x1b]*(?:\x07|\x1b\\)/g;
/** Anything a program may send to move, clear or rename what is not its own. */
const controls =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])|[\0-\x08\x0b-\x1f\x7f-\x9f]/g;
const joined = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const wide =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])$/u;

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);
const widthOf = (character: string): number => (joined.test(character) ? 0 : wide.test(character) ? 2 : 1);

/** Columns that a text takes in a terminal; colours take none. */
export function textWidth(text: string): number {
  const plain = text.replace(escapes, '');
  if (isAscii(plain)) return plain.length;
  return [...plain].reduce((sum, character) => sum + widthOf(character), 0);
}

/** The text in no more than so many columns, with a mark where it was cut. Without colours. */
export function clip(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return columns < 1 ? '' : `${kept}…`;
}

/** A line that a program wrote, without what would move the cursor or colour what follows. */
export const plainLine = (text: string): string => text.replace(controls, '').replaceAll('\t', '    ');
