import type { ApiOperation, RouteOf } from './route.ts';
import { containerRoutes } from './routes-container.ts';
import { imageRoutes } from './routes-image.ts';
import { secretRoutes } from './routes-secret.ts';

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
  systemStorage: { method: 'GET', path: '/iechor/storage', fields: {}, reply: 'json', ok: [200] },
  systemGc: { method: 'POST', path: '/iechor/storage/gc', fields: {}, reply: 'json', ok: [200] },
  systemEvents: {
    method: 'GET',
    path: '/events',
    fields: { since: 'string', until: 'string', filters: 'filters' },
    reply: 'ndjson',
    ok: [200],
  },

  ...containerRoutes,

  ...imageRoutes,

  portHolders: { method: 'GET', path: '/iechor/ports', fields: { ports: 'list' }, reply: 'json', ok: [200] },

  creationsCheck: { method: 'POST', path: '/iechor/check', fields: {}, body: 'json', reply: 'json', ok: [200] },

  scheduleList: { method: 'GET', path: '/iechor/schedules', fields: { filters: 'filters' }, reply: 'json', ok: [200] },

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
  volumeClone: {
    method: 'POST',
    path: '/iechor/volumes/:name/clone',
    fields: { ...byName, to: 'text', labels: 'json' },
    reply: 'json',
    ok: [201],
    notFound: 'VOLUME_NOT_FOUND',
    conflict: 'NAME_IN_USE',
  },
  volumeRestore: {
    method: 'POST',
    path: '/iechor/volumes/:name/restore',
    fields: { ...byName, from: 'string' },
    reply: 'none',
    ok: [204],
    notFound: 'VOLUME_NOT_FOUND',
    conflict: 'IN_USE',
  },
  volumeExport: {
    method: 'GET',
    path: '/iechor/volumes/:name/export',
    fields: byName,
    reply: 'bytes',
    ok: [200],
    ...volume,
  },
  volumeImport: {
    method: 'POST',
    path: '/iechor/volumes/:name/import',
    fields: byName,
    body: 'bytes',
    reply: 'json',
    ok: [201],
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
