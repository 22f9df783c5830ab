import type { ApiOperation, RouteOf } from './route.ts';

const byId = { id: 'path' } as const;
const change = { ...byId, version: 'int' } as const;
const secret = { notFound: 'NOT_FOUND', conflict: 'NAME_IN_USE' } as const;

type SecretOperation = Extract<ApiOperation, `secret${string}` | `config${string}`>;

/** The part of the table (routes.ts) that is about secrets and configs. */
export const secretRoutes = {
  secretList: { method: 'GET', path: '/secrets', fields: { filters: 'filters' }, reply: 'json', ok: [200] },
  secretCreate: {
    method: 'POST',
    path: '/secrets/create',
    fields: {},
    body: 'json',
    reply: 'json',
    ok: [201, 200],
    ...secret,
  },
  secretInspect: { method: 'GET', path: '/secrets/:id', fields: byId, reply: 'json', ok: [200], ...secret },
  secretUpdate: {
    method: 'POST',
    path: '/secrets/:id/update',
    fields: change,
    body: 'json',
    reply: 'none',
    ok: [200],
    ...secret,
  },
  secretRemove: { method: 'DELETE', path: '/secrets/:id', fields: byId, reply: 'none', ok: [204], ...secret },
  secretData: { method: 'GET', path: '/iechor/secrets/:id/data', fields: byId, reply: 'json', ok: [200], ...secret },
  configList: { method: 'GET', path: '/configs', fields: { filters: 'filters' }, reply: 'json', ok: [200] },
  configCreate: {
    method: 'POST',
    path: '/configs/create',
    fields: {},
    body: 'json',
    reply: 'json',
    ok: [201, 200],
    ...secret,
  },
  configInspect: { method: 'GET', path: '/configs/:id', fields: byId, reply: 'json', ok: [200], ...secret },
  configUpdate: {
    method: 'POST',
    path: '/configs/:id/update',
    fields: change,
    body: 'json',
    reply: 'none',
    ok: [200],
    ...secret,
  },
  configRemove: { method: 'DELETE', path: '/configs/:id', fields: byId, reply: 'none', ok: [204], ...secret },
} as const satisfies { readonly [Op in SecretOperation]: RouteOf<Op> };
