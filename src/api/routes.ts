import type { ApiOperation, RouteOf } from './route.ts';
import { containerRoutes } from './routes-container.ts';
import { secretRoutes } from './routes-secret.ts';

const image = { notFound: 'IMAGE_NOT_FOUND', conflict: 'IN_USE' } as const;
const network = { notFound: 'NETWORK_NOT_FOUND', conflict: 'NAME_IN_USE' } as const;
const volume = { notFound: 'VOLUME_NOT_FOUND', conflict: 'NAME_IN_USE' } as const;
const byId = { id: 'path' } as const;
const byName = { name: 'path' } as const;

/**
 * The wire form of every operation: Docker Engine API 1.51 without the version prefix, and ours under /iechor.
 * Server and client derive from it; an operation or a field that is missing here does not compile.
 */
export const routes = {
  systemPing: { method: 'GET', path: '/_ping', fields: {}, reply: 'text', ok: [200] },
  systemVersion: { method: 'GET', path: '/version', fields: {}, reply: 'json', ok: [200] },
  systemInfo: { method: 'GET', path: '/info', fields: {}, reply: 'json', ok: [200] },
  systemDiskUsage: { method: 'GET', path: '/system/df', fields: { type: 'list' }, reply: 'json', ok: [200] },
  systemEvents: {
    method: 'GET',
    path: '/events',
    fields: { since: 'string', until: 'string', filters: 'filters' },
    reply: 'ndjson',
    ok: [200],
  },

  ...containerRoutes,

  imageList: {
    method: 'GET',
    path: '/images/json',
    fields: { all: 'bool', digests: 'bool', filters: 'filters' },
    reply: 'json',
    ok: [200],
  },
  imageInspect: { method: 'GET', path: '/images/:name/json', fields: byName, reply: 'json', ok: [200], ...image },
  imageHistory: { method: 'GET', path: '/images/:name/history', fields: byName, reply: 'json', ok: [200], ...image },
  distributionInspect: {
    method: 'GET',
    path: '/distribution/:name/json',
    fields: byName,
    reply: 'json',
    ok: [200],
    ...image,
  },
  imageTag: {
    method: 'POST',
    path: '/images/:name/tag',
    fields: { ...byName, repo: 'string', tag: 'string' },
    reply: 'none',
    ok: [201],
    ...image,
  },
  imageRemove: {
    method: 'DELETE',
    path: '/images/:name',
    fields: { ...byName, force: 'bool', noprune: 'bool' },
    reply: 'json',
    ok: [200],
    ...image,
  },
  imagePrune: { method: 'POST', path: '/images/prune', fields: { filters: 'filters' }, reply: 'json', ok: [200] },
  imageCreate: {
    method: 'POST',
    path: '/images/create',
    fields: {
      fromImage: 'string',
      fromSrc: 'string',
      repo: 'string',
      tag: 'string',
      message: 'string',
      changes: 'list',
      platform: 'string',
    },
    body: 'optional-bytes',
    reply: 'ndjson',
    ok: [200],
    ...image,
  },
  imageBuild: {
    method: 'POST',
    path: '/build',
    fields: {
      dockerfile: 'string',
      t: 'list',
      extrahosts: 'string',
      remote: 'string',
      q: 'bool',
      nocache: 'bool',
      cachefrom: 'json',
      pull: 'string',
      rm: 'bool',
      forcerm: 'bool',
      memory: 'int',
      shmsize: 'int',
      buildargs: 'json',
      labels: 'json',
      networkmode: 'string',
      target: 'string',
      platform: 'string',
      version: 'string',
      secrets: { kind: 'header', as: 'X-Iechor-Build-Secrets' },
    },
    body: 'bytes',
    reply: 'ndjson',
    ok: [200],
    ...image,
  },
  buildPrune: {
    method: 'POST',
    path: '/build/prune',
    fields: {
      all: 'bool',
      reservedSpace: { kind: 'int', as: 'reserved-space' },
      keepStorage: { kind: 'int', as: 'keep-storage' },
      filters: 'filters',
    },
    reply: 'json',
    ok: [200],
  },
  imageBootstrap: {
    method: 'POST',
    path: '/iechor/images/bootstrap',
    fields: { reference: 'string', mirror: 'string' },
    reply: 'ndjson',
    ok: [200],
    ...image,
  },
  imagesGet: { method: 'GET', path: '/images/get', fields: { names: 'list' }, reply: 'bytes', ok: [200], ...image },
  imagesLoad: {
    method: 'POST',
    path: '/images/load',
    fields: { quiet: 'bool' },
    body: 'bytes',
    reply: 'ndjson',
    ok: [200],
  },

  portHolders: { method: 'GET', path: '/iechor/ports', fields: { ports: 'list' }, reply: 'json', ok: [200] },

  networkList: { method: 'GET', path: '/networks', fields: { filters: 'filters' }, reply: 'json', ok: [200] },
  networkInspect: {
    method: 'GET',
    path: '/networks/:id',
    fields: { ...byId, verbose: 'bool', scope: 'string' },
    reply: 'json',
    ok: [200],
    ...network,
  },
  networkCreate: {
    method: 'POST',
    path: '/networks/create',
    fields: {},
    body: 'json',
    reply: 'json',
    ok: [201],
    ...network,
  },
  networkRemove: {
    method: 'DELETE',
    path: '/networks/:id',
    fields: byId,
    reply: 'none',
    ok: [204],
    notFound: 'NETWORK_NOT_FOUND',
    conflict: 'IN_USE',
  },
  networkConnect: {
    method: 'POST',
    path: '/networks/:id/connect',
    fields: byId,
    body: 'json',
    reply: 'none',
    ok: [200],
    ...network,
  },
  networkDisconnect: {
    method: 'POST',
    path: '/networks/:id/disconnect',
    fields: byId,
    body: 'json',
    reply: 'none',
    ok: [200],
    ...network,
  },
  networkPrune: { method: 'POST', path: '/networks/prune', fields: { filters: 'filters' }, reply: 'json', ok: [200] },

  volumeList: { method: 'GET', path: '/volumes', fields: { filters: 'filters' }, reply: 'json', ok: [200] },
  volumeCreate: {
    method: 'POST',
    path: '/volumes/create',
    fields: {},
    body: 'json',
    reply: 'json',
    ok: [201],
    ...volume,
  },
  volumeInspect: { method: 'GET', path: '/volumes/:name', fields: byName, reply: 'json', ok: [200], ...volume },
  volumeRemove: {
    method: 'DELETE',
    path: '/volumes/:name',
    fields: { ...byName, force: 'bool' },
    reply: 'none',
    ok: [204],
    notFound: 'VOLUME_NOT_FOUND',
    conflict: 'IN_USE',
  },
  volumePrune: { method: 'POST', path: '/volumes/prune', fields: { filters: 'filters' }, reply: 'json', ok: [200] },

  ...secretRoutes,
  pluginList: { method: 'GET', path: '/plugins', fields: { filters: 'filters' }, reply: 'json', ok: [200] },

  daemonStatus: { method: 'GET', path: '/iechor/daemon', fields: {}, reply: 'json', ok: [200] },
  daemonStop: {
    method: 'POST',
    path: '/iechor/daemon/stop',
    fields: { force: 'bool' },
    reply: 'json',
    ok: [200],
  },
} as const satisfies { readonly [Op in ApiOperation]: RouteOf<Op> };
