import type { EngineApi } from '../../api/engine-api.ts';
import { codeOf } from '../../common/error.ts';

/** The last lines a container wrote, standard output and error as they came. Empty where its logs cannot be read. */
export async function lastLines(
  engine: EngineApi,
  container: { readonly Id: string },
  count: number,
): Promise<string[]> {
  const pieces: Uint8Array[] = [];
  const request = { id: container.Id, stdout: true, stderr: true, tail: String(count) };
  try {
    for await (const frame of engine.containerLogs(request)) pieces.push(frame.data);
  } catch (error) {
    if (codeOf(error) === undefined) throw error; // `logging: none` and the like: say what went wrong without the lines
  }
  const text = Buffer.concat(pieces).toString('utf8').trimEnd();
  return text === '' ? [] : text.split('\n').slice(-count);
}
