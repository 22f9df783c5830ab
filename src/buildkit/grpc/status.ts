/** Status codes of gRPC that are used here. */
export const grpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** A typed addition to an error, as `google.protobuf.Any`. */
export interface ErrorDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** A failed call: what goes over the wire, or came from there. `status` is one of gRPC's codes. */
export class GrpcError extends Error {
  readonly status: number;
  readonly details: readonly ErrorDetail[];
  constructor(status: number, message: string, details: readonly ErrorDetail[] = []) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Any error as a failed call; a call that was given up is "cancelled". */
export function grpcErrorOf(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : String(error);
  return new GrpcError(name === 'AbortError' ? grpcCode.cancelled : grpcCode.unknown, message);
}

/** Form of `grpc-message`: UTF-8 with everything but plain ASCII percent-encoded. */
export function encodeMessage(message: string): string {
  const encoded: string[] = [];
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded.push(plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`);
  }
  return encoded.join('');
}

export function decodeMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
