import type { Diagnostic } from '../common/diagnostic.ts';
import { IechorError } from '../common/error.ts';
import { type ErrorCode, errorCatalogue } from '../common/error-catalogue.ts';
import type { ApiOperation, Route } from './route.ts';

/** Body of an error: Docker's `message`, and ours beside it. */
export interface ErrorReply {
  message: string;
  code?: string;
  hint?: string;
  diagnostics?: readonly Diagnostic[];
}

/** Makes the engine's error again: by our daemon's code, else by what the status means for the operation. */
export function errorFromReply(from: { op: ApiOperation; route: Route }, status: number, text: string): IechorError {
  const reply = parseReply(text, status);
  const known = reply.code !== undefined && Object.hasOwn(errorCatalogue, reply.code);
  const code = known ? (reply.code as ErrorCode) : codeFor(from, status, reply.message);
  return new IechorError(code, reply.message, { hint: reply.hint, diagnostics: reply.diagnostics });
}

function parseReply(text: string, status: number): ErrorReply {
  try {
    const reply: unknown = JSON.parse(text);
    if (typeof reply === 'object' && reply !== null && 'message' in reply) return reply as ErrorReply;
  } catch {
    // Docker's router answers some errors as plain text.
  }
  return { message: text.trim() || `the engine answered with status ${status}` };
}

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'BAD_REQUEST',
  404: 'NOT_FOUND',
  409: 'WRONG_STATE',
  413: 'BODY_TOO_LARGE',
  501: 'NOT_SUPPORTED',
  507: 'NO_SPACE',
};

/**
 * Docker tells these apart by text only: its own command line does the same to choose exit codes 125 to 127.
 */
const startFailures: readonly (readonly [RegExp, ErrorCode])[] = [
  [/port is already allocated|address already in use/, 'PORT_IN_USE'],
  [/executable file not found|no such file or directory|system cannot find the file/, 'COMMAND_NOT_FOUND'],
  [/exec.*permission denied|is a directory/, 'COMMAND_NOT_EXECUTABLE'],
];

function codeFor({ op, route }: { op: ApiOperation; route: Route }, status: number, message: string): ErrorCode {
  if (op === 'containerStart' && status !== 404) {
    const found = startFailures.find(([pattern]) => pattern.test(message));
    if (found) return found[1];
    if (status >= 500) return 'CONTAINER_START_FAILED';
  }
  if (status === 404 && route.notFound) return route.notFound;
  if (status === 409 && route.conflict) return route.conflict;
  // Docker refuses to remove a network with endpoints by 403.
  if (status === 403 && op === 'networkRemove') return 'IN_USE';
  return byStatus[status] ?? 'ENGINE_ERROR';
}
