import { stepWords } from '../../compose/plan/words.ts';
import type { Renderer, Write } from './renderer.ts';

/** One JSON object a line, with Docker Compose's keys. */
export function jsonRenderer(write: Write, options: { readonly dryRun: boolean }): Renderer {
  const put = (fields: Readonly<Record<string, unknown>>) =>
    write(`${JSON.stringify({ ...(options.dryRun && { 'dry-run': true }), ...fields })}\n`);
  return {
    announce: () => {},
    event: ({ step, status, detail, progress, output, build }) => {
      if (build) return put({ id: step.label, ...(build.stream && { text: build.stream.trimEnd() }), build });
      const words = stepWords(step);
      if (output !== undefined) return put({ id: step.label, text: output });
      const word = { running: words.doing, done: words.done, skipped: 'Skipped', failed: 'Error' }[status];
      put({
        id: step.label,
        status: word,
        ...(detail !== undefined && { details: detail }),
        ...(progress && { ...progress, percent: Math.floor((100 * progress.current) / progress.total) }),
      });
    },
    line: (text) => put({ text }),
    above: (act) => act(),
    summary: (text) => put({ text }),
    finish: () => {},
  };
}
