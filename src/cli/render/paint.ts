const codes = { green: '32', red: '31', yellow: '33', blue: '34', faint: '2' } as const;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export type Paint = (text: string, colour: keyof typeof codes) => string;

/** Colours text, or leaves it as it is. */
export const painter =
  (colour: boolean): Paint =>
  (text, name) =>
    colour && text !== '' ? `\x1b[${codes[name]}m${text}\x1b[0m` : text;

/** The mark of something that goes on, in the n-th frame. */
export const spinnerAt = (tick: number): string => spinner[tick % spinner.length] ?? '';
