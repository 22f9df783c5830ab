/** What a code means to the outside: the HTTP status the daemon answers with and the exit code of the CLI. */
export interface CatalogueEntry {
  readonly status: number;
  readonly exit: number;
}

const entry = (status: number, exit = 1): CatalogueEntry => ({ status, exit });

/** Every error a user can meet. One page each in docs/errors/CODE.md. */
export const errorCatalogue = {
  // requests
  BAD_REQUEST: entry(400),
  NOT_FOUND: entry(404),
  NOT_SUPPORTED: entry(501),
  API_VERSION: entry(400),
  BODY_TOO_LARGE: entry(413),
  FORBIDDEN: entry(403),
  // objects
  CONTAINER_NOT_FOUND: entry(404),
  IMAGE_NOT_FOUND: entry(404),
  NETWORK_NOT_FOUND: entry(404),
  VOLUME_NOT_FOUND: entry(404),
  CONTEXT_NOT_FOUND: entry(404),
  EXEC_NOT_FOUND: entry(404),
  NAME_IN_USE: entry(409),
  IN_USE: entry(409),
  WRONG_STATE: entry(409),
  SWARM_OFF: entry(503),
  REFERENCE_INVALID: entry(400),
  DIGEST_MISMATCH: entry(500),
  ARCHIVE_INVALID: entry(500),
  // running
  PORT_IN_USE: entry(409, 125),
  ADDRESS_IN_USE: entry(403, 125),
  SUBNETS_EXHAUSTED: entry(409),
  MOUNT_INVALID: entry(400),
  COMMAND_NOT_FOUND: entry(400, 127),
  COMMAND_NOT_EXECUTABLE: entry(400, 126),
  CONTAINER_START_FAILED: entry(500, 125),
  // host
  HOST_COMMAND_FAILED: entry(500),
  HOST_SYSCALL_FAILED: entry(500),
  HOST_UNSUPPORTED: entry(500),
  NOT_ROOT: entry(403),
  NO_RUNTIME: entry(500),
  NO_SPACE: entry(507),
  STATE_CONFLICT: entry(409),
  STATE_DAMAGED: entry(500),
  STATE_VERSION: entry(500),
  // daemon and client
  DAEMON_RUNNING: entry(409),
  DAEMON_UNREACHABLE: entry(503),
  DAEMON_CONFIG: entry(500),
  ENGINE_ERROR: entry(500),
  INTERRUPTED: entry(500, 130),
  USAGE: entry(400, 1),
  // build
  BUILD_SYNTAX: entry(400),
  BUILD_FAILED: entry(500),
  BUILD_CONTEXT: entry(400),
  BUILD_FILE_MISSING: entry(400),
  // registry
  IMAGE_UNTRUSTED: entry(403),
  REGISTRY_UNREACHABLE: entry(500),
  REGISTRY_REFUSED: entry(502),
  REGISTRY_DENIED: entry(401),
  CREDENTIALS: entry(500),
  // compose
  COMPOSE_FILE_MISSING: entry(400),
  COMPOSE_SYNTAX: entry(400),
  COMPOSE_INVALID: entry(400),
  COMPOSE_UNSUPPORTED: entry(400),
  COMPOSE_UNKNOWN_KEY: entry(400),
  COMPOSE_SCHEMA: entry(400),
  COMPOSE_VALUE: entry(400),
  COMPOSE_REFERENCE: entry(400),
  COMPOSE_CONFLICT: entry(400),
  COMPOSE_CYCLE: entry(400),
  COMPOSE_INTERPOLATION: entry(400),
  COMPOSE_ENV_FILE: entry(400),
  COMPOSE_UNSET_VARIABLE: entry(400),
  COMPOSE_OBSOLETE: entry(400),
  COMPOSE_NO_EFFECT: entry(400),
  COMPOSE_NO_HEALTHCHECK: entry(400),
  COMPOSE_PORT_CLASH: entry(400),
  COMPOSE_AMBIGUOUS: entry(400),
  PROJECT_NAME: entry(400),
  PROJECT_FOREIGN: entry(409),
  SERVICE_NOT_FOUND: entry(404),
  DEPENDENCY_FAILED: entry(500),
  PROVIDER_FAILED: entry(500),
  PLAN_FAILED: entry(500),
  PROJECT_BUSY: entry(409),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof errorCatalogue;
