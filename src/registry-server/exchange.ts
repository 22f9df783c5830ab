import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../common/log.ts';
import type { BlobStore } from '../image/blob-store.ts';
import type { Catalog } from './catalog.ts';
import type { LocalImages } from './local-images.ts';
import type { Uploads } from './upload-sessions.ts';

/** What the registry's functions work with. */
export interface Registry {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly uploads: Uploads;
  /** Images of this engine that are offered too. */
  readonly local: LocalImages;
  readonly readOnly: boolean;
  /** Indexes may name images that are not there. */
  readonly allowSparse: boolean;
  readonly log: Log;
}

/** One request and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Uint8Array;
}

/** Sends an answer; a HEAD gets its headers alone. */
export function send({ request, response }: Exchange, { status, headers = {}, body }: Answer): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body !== undefined && !response.hasHeader('Content-Length'))
    response.setHeader('Content-Length', Buffer.byteLength(body));
  if (body === undefined && status !== 204 && !response.hasHeader('Content-Length'))
    response.setHeader('Content-Length', 0);
  response.writeHead(status);
  response.end(request.method === 'HEAD' ? undefined : body);
}

export function sendJson(exchange: Exchange, value: unknown, headers: Answer['headers'] = {}): void {
  const body = `${JSON.stringify(value)}\n`;
  send(exchange, { status: 200, headers: { 'Content-Type': 'application/json', ...headers }, body });
}
