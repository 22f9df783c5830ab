import { createInterface } from 'node:readline/promises';
import { IechorError } from '../common/error.ts';

/** Asks for a line on the terminal. The end of the input is an empty answer. */
export async function askLine(question: string): Promise<string> {
  const input = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => input.once('close', () => resolve('')));
  try {
    return (await Promise.race([input.question(question), closed])).trim();
  } finally {
    input.close();
  }
}

/** Asks for a line that is not shown. Throws INTERRUPTED on Ctrl-C. */
export async function askSecret(question: string): Promise<string> {
  const { stdin } = process;
  process.stderr.write(question);
  stdin.setRawMode(true);
  let typed = '';
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const key of String(chunk)) {
        if (key === '\r' || key === '\n' || key === '\u0004') return typed;
        if (key === '\u0003') throw new IechorError('INTERRUPTED', 'the login was interrupted');
        typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : key === '\u0015' ? '' : typed + key;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write('\n');
  }
}
