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
  // Before it is asked for, so that who is quick does not see it either.
  stdin.setRawMode(true);
  process.stderr.write(question);
  let stop = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = '';
      const take = (chunk: Buffer | string) => {
        for (const key of String(chunk)) {
          if (key === '\r' || key === '\n' || key === '\u0004') return resolve(typed);
          if (key === '\u0003') return reject(new IechorError('INTERRUPTED', 'the login was interrupted'));
          typed = key === '\u007f' || key === '\b' ? typed.slice(0, -1) : key === '\u0015' ? '' : typed + key;
        }
      };
      const end = () => resolve(typed);
      // Listening for data makes a standard input flow again that another question has paused.
      stdin.on('data', take).once('end', end).resume();
      stop = () => stdin.off('data', take).off('end', end).pause();
    });
  } finally {
    stop();
    stdin.setRawMode(false);
    process.stderr.write('\n');
  }
}
