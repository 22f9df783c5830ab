/** What belongs together in a log, and how grave it is. Pure. */

export const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof levels)[number];

const words: Readonly<Record<string, Level>> = {
  trace: 'trace',
  verbose: 'trace',
  debug: 'debug',
  info: 'info',
  information: 'info',
  notice: 'info',
  log: 'info',
  warn: 'warn',
  warning: 'warn',
  err: 'error',
  error: 'error',
  severe: 'error',
  crit: 'fatal',
  critical: 'fatal',
  alert: 'fatal',
  emerg: 'fatal',
  fatal: 'fatal',
  panic: 'fatal',
};
const anyWord = Object.keys(words).join('|');
const inField = new RegExp(`\\b(?:level|lvl|severity)["']?\\s*[=:]\\s*["']?(${anyWord}|\\d\\d)\\b`, 'i');
/** `[ERROR]`, `<warn>`, `ERROR:`, or in capitals among the first words. */
const marked = new RegExp(`[[<(](${anyWord})[\\])>]|^(?:\\S+\\s+){0,3}?(${anyWord}):`, 'i');
const shouted = new RegExp(`^(?:\\S+\\s+){0,4}?(${anyWord.toUpperCase()})\\b`);
/** How what nobody caught begins: Python's, Java's and JavaScript's ways. */
const uncaught =
  /^(?:Traceback \(most recent call last\):|Exception in thread |(?:Uncaught |Unhandled )?(?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception)(?=:|$))/;

/** The level a line names, in any of the usual forms, or is by its nature; undefined where it names none. */
export function levelOf(text: string): Level | undefined {
  const head = text.slice(0, 500);
  const word = inField.exec(head)?.[1] ?? firstOf(marked.exec(head)) ?? shouted.exec(head)?.[1];
  if (word === undefined) return uncaught.test(head) ? 'error' : undefined;
  // Loggers that count: 10, 20, ... 60.
  if (/^\d/.test(word)) return levels[Math.round(Number(word) / 10) - 1];
  return words[word.toLowerCase()];
}

const firstOf = (match: RegExpExecArray | null): string | undefined =>
  match?.slice(1).find((part) => part !== undefined);

const indented = /^[ \t]+\S/;
const follows = /^(?:Caused by:|Suppressed:|\.{3} \d+ more|[)}\]]+[;,]?$)/;
const ending = /^[\w.$]+(?:Error|Exception|Warning|Interrupt)\b/;

/** Whether a line goes on with what the line before it, of the same writer, began: a stack trace, or indented text. */
export function isContinuation(text: string, before: string): boolean {
  if (indented.test(text) || follows.test(text)) return true;
  return ending.test(text) && indented.test(before);
}
