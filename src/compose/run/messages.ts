import type { ProgressMessage } from '../../api/types/image.ts';
import { IechorError } from '../../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../../common/error-catalogue.ts';
import type { StepContext } from './execute.ts';

/**
 * Follows the message stream of a pull or build to its end, reporting output lines and the sum of the layers'
 * progress. Resolves with the image id where the stream names one. A message with `error` is thrown, with its code
 * where it carries one of ours, else with `fallback`.
 */
export async function followMessages(
  messages: AsyncIterable<ProgressMessage>,
  report: StepContext['report'],
  options: { fallback: ErrorCode; about: string },
): Promise<string | undefined> {
  const layers = new Map<string, { current: number; total: number }>();
  let imageId: string | undefined;
  let partial = '';
  for await (const message of messages) {
    if (message.error !== undefined) throw failure(message, options);
    if (message.aux?.ID) imageId = message.aux.ID;
    if (message.stream !== undefined) {
      const lines = (partial + message.stream).split(/\r?\n/);
      partial = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') report({ output: line });
    }
    const { id, progressDetail: detail } = message;
    if (id && detail?.total) {
      layers.set(id, { current: detail.current ?? 0, total: detail.total });
      const sums = [...layers.values()];
      report({
        progress: {
          current: sums.reduce((sum, layer) => sum + layer.current, 0),
          total: sums.reduce((sum, layer) => sum + layer.total, 0),
        },
      });
    }
  }
  if (partial.trim() !== '') report({ output: partial });
  return imageId;
}

function failure(message: ProgressMessage, { fallback, about }: { fallback: ErrorCode; about: string }): IechorError {
  const { errorDetail: detail, error = '' } = message;
  const reason = detail?.reason ?? '';
  const code = reason in errorCatalogue ? (reason as ErrorCode) : fallback;
  return new IechorError(code, `${about}: ${error.trim()}`, { hint: detail?.hint });
}
