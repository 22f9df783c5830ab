import { createInterface } from 'node:readline/promises';

/** Asks a question on the terminal; only a y says yes. The end of standard input says no. */
export async function confirm(question: string): Promise<boolean> {
  const input = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => input.once('close', () => resolve('')));
  let answered = false;
  try {
    const answer = input.question(`${question} [y/N] `).then((text) => {
      answered = true;
      return text;
    });
    return /^y(es)?$/i.test((await Promise.race([answer, closed])).trim());
  } finally {
    if (!answered) process.stderr.write('\n');
    input.close();
  }
}
