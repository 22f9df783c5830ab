import type { ProgressMessage } from '../api/types/image.ts';
import { isIechorError } from '../common/error.ts';
import { type ErrorDetail, GrpcError, grpcCode, grpcErrorOf } from './grpc/status.ts';

/** A build file as the client sent it. */
export interface BuildFile {
  readonly name: string;
  readonly text: Uint8Array;
}

/**
 * The failure of a build as BuildKit's clients show it: the bare sentence, with the place as a detail, from which they
 * print the lines around it. Ours comes as `file:line:column sentence` with an excerpt.
 */
export function buildFailure(message: ProgressMessage, file: BuildFile): GrpcError {
  const [first = '', ...rest] = (message.error ?? '').split('\n');
  const [, name, line, sentence] = /^(.*?):([0-9]+):[0-9]+ (.*)$/.exec(first) ?? [];
  const hint = message.errorDetail?.hint;
  if (sentence === 'the file is empty') return failure('the Dockerfile cannot be empty', hint);
  if (sentence === undefined || name !== file.name) return failure([first, ...rest].join('\n'), hint);
  const isExcerpt = (text: string) => /^ +([0-9]+ )?\| /.test(text);
  const isParse = message.errorDetail?.reason === 'BUILD_SYNTAX' && message.iechor === undefined;
  const begin = isParse ? `dockerfile parse error on line ${line}: ` : '';
  const text = [`${begin}${sentence}`, ...rest.filter((one) => !isExcerpt(one))].join('\n');
  return failure(text, hint, [sourceDetail(file, Number(line)), ...exitDetail(message)]);
}

/** What was thrown instead of being told: faults of the client's session as they are, refusals with their hint. */
export function asGrpcError(error: unknown): GrpcError {
  return isIechorError(error) ? failure(error.message, error.hint) : grpcErrorOf(error);
}

const failure = (text: string, hint: string | undefined, details: ErrorDetail[] = []) =>
  new GrpcError(grpcCode.unknown, hint ? `${text}\nhint: ${hint}` : text, details);

const detail = (type: string, value: unknown): ErrorDetail => ({
  typeUrl: `github.com/moby/buildkit/${type}+json`,
  value: Buffer.from(JSON.stringify(value)),
});

/** Lines around the place that go along; clients show fewer. The others are left empty, so that the numbers are right. */
const linesAround = 20;

function sourceDetail({ name, text }: BuildFile, line: number): ErrorDetail {
  const lines = Buffer.from(text).toString('utf8').split('\n');
  const near = lines.map((one, index) => (Math.abs(index + 1 - line) <= linesAround ? one.slice(0, 1000) : ''));
  const data = Buffer.from(near.slice(0, line + linesAround).join('\n')).toString('base64');
  return detail('errdefs.Source', {
    info: { filename: name, data, language: 'Dockerfile' },
    ranges: [{ start: { line }, end: { line } }],
  });
}

function exitDetail({ errorDetail }: ProgressMessage): ErrorDetail[] {
  return errorDetail?.code === undefined ? [] : [detail('gatewayapi.ExitMessage', { Code: errorDetail.code })];
}
