import { GrpcError, grpcCode } from './grpc/status.ts';

/** What is not supported, by its name, and what to do in place of it. */
export function refused(what: string, hint?: string): GrpcError {
  return new GrpcError(grpcCode.unknown, `${what} is not supported yet${hint ? `: ${hint}` : ''}`);
}
