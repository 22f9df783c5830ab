import type { ProgressMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { failureOf } from './progress-stream.ts';
import { plainBuild } from './render/build-plain.ts';
import { ttyBuild } from './render/build-tty.ts';
import type { BuildView } from './render/build-view.ts';
import { wantsColour } from './render/renderer.ts';

const modes = ['auto', 'tty', 'plain', 'rawjson', 'quiet', 'none'] as const;
export type ProgressMode = (typeof modes)[number];

/** Reads `--progress`, else IECHOR_PROGRESS or BUILDKIT_PROGRESS. Throws USAGE. */
export function readProgressMode(text: string | undefined, environment: NodeJS.ProcessEnv = process.env): ProgressMode {
  const asked = text ?? (environment.IECHOR_PROGRESS || environment.BUILDKIT_PROGRESS || 'auto');
  const mode = modes.find((candidate) => candidate === asked || (candidate === 'rawjson' && asked === 'json'));
  if (mode) return mode;
  throw new IechorError('USAGE', `--progress=${asked} is not known`, { hint: `it takes ${modes.join(', ')}` });
}

/**
 * Shows a build's messages on standard error: live in a terminal, as lines, as JSON (one message a line), or not at all.
 * Returns the last `aux`. A message with `error` is thrown with the engine's own code and hint.
 */
export async function showBuild(
  messages: AsyncIterable<ProgressMessage>,
  mode: ProgressMode,
): Promise<NonNullable<ProgressMessage['aux']>> {
  const view = openView(mode);
  let aux: NonNullable<ProgressMessage['aux']> = {};
  try {
    for await (const message of messages) {
      view.take(message);
      if (message.error !== undefined) throw failureOf(message);
      if (message.aux) aux = { ...aux, ...message.aux };
    }
  } finally {
    view.end();
  }
  return aux;
}

function openView(mode: ProgressMode): BuildView {
  const stream = process.stderr;
  const write = (text: string) => void stream.write(text);
  if (mode === 'quiet' || mode === 'none') return { take: () => {}, end: () => {} };
  if (mode === 'rawjson') return { take: (message) => write(`${JSON.stringify(message)}\n`), end: () => {} };
  const { CI, TERM, COMPOSE_ANSI } = process.env;
  const isLive = stream.isTTY && !CI && TERM !== 'dumb' && COMPOSE_ANSI !== 'never';
  if (mode === 'plain' || (mode === 'auto' && !isLive)) return plainBuild((line) => write(`${line}\n`));
  return ttyBuild(write, {
    terminal: () => ({ isTTY: true, columns: stream.columns || 80, rows: stream.rows || 24 }),
    colour: wantsColour(undefined, process.env, stream.isTTY ?? false),
  });
}
