import type { ProgressMessage } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../common/error-catalogue.ts';

/**
 * Prints the messages of a pull, load, import or build as lines (repeated progress of one layer is left out) and
 * returns the last `aux`. A message with `error` is thrown with the engine's own code and hint.
 */
export async function printProgress(
  messages: AsyncIterable<ProgressMessage>,
  options: { sink: NodeJS.WritableStream | undefined },
): Promise<NonNullable<ProgressMessage['aux']>> {
  const last = new Map<string, string>();
  let aux: NonNullable<ProgressMessage['aux']> = {};
  for await (const message of messages) {
    if (message.error !== undefined) throw failureOf(message);
    if (message.aux) aux = { ...aux, ...message.aux };
    if (message.stream !== undefined) options.sink?.write(message.stream);
    if (message.status === undefined) continue;
    const line = message.id ? `${message.id}: ${message.status}` : message.status;
    if (last.get(message.id ?? '') === line) continue;
    last.set(message.id ?? '', line);
    options.sink?.write(`${line}\n`);
  }
  return aux;
}

/** The engine's error that a message carries. */
export function failureOf(message: ProgressMessage): IechorError {
  const reason = message.errorDetail?.reason ?? '';
  const known = reason in errorCatalogue ? (reason as ErrorCode) : 'ENGINE_ERROR';
  return new IechorError(known, message.errorDetail?.message ?? message.error ?? 'the engine failed', {
    hint: message.errorDetail?.hint,
  });
}
