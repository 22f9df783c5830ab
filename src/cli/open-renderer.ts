import { envFlag } from './env-flag.ts';
import type { Globals } from './globals.ts';
import { jsonRenderer } from './render/json.ts';
import { plainRenderer, quietRenderer } from './render/plain.ts';
import { progressMode, type Renderer, wantsColour } from './render/renderer.ts';
import { ttyRenderer } from './render/tty.ts';

/** The renderer that flags, environment and terminal choose; it writes to standard error. */
export function openRenderer(
  globals: Pick<Globals, 'progress' | 'ansi'>,
  options: { readonly quiet?: boolean | undefined; readonly dryRun?: boolean },
): Renderer {
  const stream = envFlag(process.env.COMPOSE_STATUS_STDOUT) ? process.stdout : process.stderr;
  const write = (text: string) => void stream.write(text);
  const mode = options.quiet ? 'quiet' : progressMode(globals, process.env, stream.isTTY ?? false);
  switch (mode) {
    case 'tty':
      return ttyRenderer(write, {
        terminal: () => ({ isTTY: true, columns: stream.columns || 80, rows: stream.rows || 24 }),
        colour: wantsColour(globals.ansi, process.env, stream.isTTY ?? false),
      });
    case 'json':
      return jsonRenderer(write, { dryRun: options.dryRun ?? false });
    case 'quiet':
      return quietRenderer(write);
    case 'plain':
      return plainRenderer(write, { output: true });
  }
}
