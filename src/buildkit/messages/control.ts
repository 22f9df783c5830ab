/** Messages of `moby.buildkit.v1.Control`, BuildKit's API (api/services/control/control.proto); fields that are used. */
import { bool, bytes, dictionary, int, many, maybe, message, one, text } from '../grpc/protobuf.ts';

export const timestamp = message({ seconds: one(1, int), nanos: one(2, int) });
export const empty = message({});

const version = message({ package: one(1, text), version: one(2, text), revision: one(3, text) });
const platform = message({ architecture: one(1, text), os: one(2, text), variant: one(3, text) });
const worker = message({
  id: one(1, text),
  labels: dictionary(2, text),
  platforms: many(3, platform),
  version: maybe(5, version),
});
export const listWorkersReply = message({ record: many(1, worker) });
export const infoReply = message({ version: maybe(1, version) });

export const exporter = message({ type: one(1, text), attrs: dictionary(2, text) });
export const cacheEntry = message({ type: one(1, text), attrs: dictionary(2, text) });
/** LLB: kept as it came. */
export const definition = message({ def: many(1, bytes), metadata: dictionary(2, bytes) });
export const solveRequest = message({
  ref: one(1, text),
  definition: maybe(2, definition),
  session: one(5, text),
  frontend: one(6, text),
  frontendAttrs: dictionary(7, text),
  cache: maybe(8, message({ exports: many(4, cacheEntry), imports: many(5, cacheEntry) })),
  entitlements: many(9, text),
  frontendInputs: dictionary(10, definition),
  sourcePolicy: maybe(12, bytes),
  exporterDeprecated: one(3, text),
  exporterAttrsDeprecated: dictionary(4, text),
  exporters: many(13, exporter),
});
export const solveReply = message({ exporterResponse: dictionary(1, text) });

export const statusRequest = message({ ref: one(1, text) });
const vertex = message({
  digest: one(1, text),
  inputs: many(2, text),
  name: one(3, text),
  cached: one(4, bool),
  started: maybe(5, timestamp),
  completed: maybe(6, timestamp),
  error: one(7, text),
});
const vertexStatus = message({
  id: one(1, text),
  vertex: one(2, text),
  name: one(3, text),
  current: one(4, int),
  total: one(5, int),
  timestamp: maybe(6, timestamp),
  started: maybe(7, timestamp),
  completed: maybe(8, timestamp),
});
const vertexLog = message({
  vertex: one(1, text),
  timestamp: maybe(2, timestamp),
  stream: one(3, int),
  msg: one(4, bytes),
});
const position = message({ line: one(1, int), character: one(2, int) });
const range = message({ start: maybe(1, position), end: maybe(2, position) });
const sourceInfo = message({ filename: one(1, text), data: one(2, bytes), language: one(4, text) });
const vertexWarning = message({
  vertex: one(1, text),
  level: one(2, int),
  short: one(3, bytes),
  detail: many(4, bytes),
  url: one(5, text),
  info: maybe(6, sourceInfo),
  ranges: many(7, range),
});
export const statusReply = message({
  vertexes: many(1, vertex),
  statuses: many(2, vertexStatus),
  logs: many(3, vertexLog),
  warnings: many(4, vertexWarning),
});

export const pruneRequest = message({
  filter: many(1, text),
  all: one(2, bool),
  keepDuration: one(3, int),
  reservedSpace: one(4, int),
  maxUsedSpace: one(5, int),
  minFreeSpace: one(6, int),
});
export const diskUsageRequest = message({ filter: many(1, text) });
export const usageRecord = message({
  id: one(1, text),
  mutable: one(2, bool),
  inUse: one(3, bool),
  size: one(4, int),
  createdAt: maybe(6, timestamp),
  lastUsedAt: maybe(7, timestamp),
  usageCount: one(8, int),
  description: one(9, text),
  recordType: one(10, text),
  shared: one(11, bool),
  parents: many(12, text),
});
export const diskUsageReply = message({ record: many(1, usageRecord) });

export const historyRequest = message({ activeOnly: one(1, bool), ref: one(2, text), earlyExit: one(3, bool) });
export const updateHistoryRequest = message({ ref: one(1, text) });
