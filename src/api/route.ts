import type { ErrorCode } from '../common/error-catalogue.ts';
import type { DaemonApi } from './daemon-api.ts';
import type { EngineApi } from './engine-api.ts';
import type { ByteStream, Frame, StreamSession } from './streams.ts';
import type { PathStat } from './types/container.ts';

/** All operations that go over the wire: the engine's and the daemon's own. */
export type Api = EngineApi & DaemonApi;
export type ApiOperation = keyof Api;
export type RequestOf<Op extends ApiOperation> = Parameters<Api[Op]>[0];

/**
 * How a field of the request travels: in the path, or in the query as Docker writes that kind. `extent`: a number of
 * rows or columns that has to be there. `text`: a string that is empty where it is left out. `header`: JSON as base64url
 * in a header of ours, which other engines do not know. `login`: the same in a header of
 * Docker's, or several by registry; none where that can not be read, as with Docker.
 */
export type FieldKind =
  | 'path'
  | 'string'
  | 'text'
  | 'bool'
  | 'int'
  | 'extent'
  | 'list'
  | 'json'
  | 'filters'
  | 'header'
  | 'login';
/** `as` is the name in the query or of the header, where it is not the field's own. */
export type Field = FieldKind | { readonly kind: Exclude<FieldKind, 'path'>; readonly as: string };

/**
 * - json: one document; none: no body; text: `OK` with the answer in headers
 * - ndjson: a JSON document per line, as they come
 * - bytes: a tar archive; stat: a path's description in a header
 * - frames: multiplexed output, raw for a terminal; hijack: the same, both ways, over the bare connection
 */
export type ReplyKind = 'json' | 'none' | 'text' | 'ndjson' | 'bytes' | 'stat' | 'frames' | 'hijack';

type Reply<Result> =
  Result extends AsyncIterable<Frame>
    ? 'frames'
    : Result extends AsyncIterable<unknown>
      ? 'ndjson'
      : Result extends Promise<StreamSession>
        ? 'hijack'
        : Result extends Promise<ByteStream>
          ? 'bytes'
          : Result extends Promise<PathStat>
            ? 'stat'
            : Result extends Promise<void>
              ? 'none'
              : 'json' | 'text';

type FieldsOf<Op extends ApiOperation> = {
  readonly [F in Exclude<keyof RequestOf<Op>, 'signal' | 'body'>]-?: Field;
};
type BodyOf<Op extends ApiOperation> =
  RequestOf<Op> extends { body: infer Body }
    ? Body extends ByteStream
      ? { readonly body: 'bytes' }
      : { readonly body: 'json' }
    : 'body' extends keyof RequestOf<Op>
      ? { readonly body: 'optional-bytes' }
      : { readonly body?: never };

/** One row of the table: everything the wire form of an operation is made of. */
export interface Route {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** `:id` and `:name` stand for a field of kind `path`. */
  readonly path: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** Fields that are refused where they come several times; of others the first one counts. */
  readonly once?: readonly string[];
  readonly body?: 'json' | 'bytes' | 'optional-bytes' | undefined;
  readonly reply: ReplyKind;
  /** Statuses that mean success; the first is what our server answers. */
  readonly ok: readonly number[];
  /** What 404 and 409 mean here, for engines that name no code. */
  readonly notFound?: ErrorCode;
  readonly conflict?: ErrorCode;
}

/** A row that fits its operation: every field of the request and its body have a place, the reply its form. */
export type RouteOf<Op extends ApiOperation> = Route & {
  readonly fields: FieldsOf<Op>;
  readonly reply: Reply<ReturnType<Api[Op]>>;
} & BodyOf<Op>;

/** Name of a field in the query, or of its header. */
export function wireName(name: string, field: Field): string {
  return typeof field === 'string' ? name : field.as;
}
export function kindOf(field: Field): FieldKind {
  return typeof field === 'string' ? field : field.kind;
}
