import { modelExtension, noExtension } from './attributes-iechor.ts';
import { bool, int, labels, listOf, object, options, stringOrList, text, texts } from './rows.ts';
import type { Spec } from './spec.ts';

// What stands beside services at the top level; the part of the table below each name.

const external = bool({ accept: ['boolean', 'string', 'object'] });
const strictExternal: Spec = { ...external, fields: new Map([['name', text()]]) };
const looseExternal: Spec = { ...strictExternal, open: true };

export const network = object(
  {
    name: text(),
    driver: text(),
    driver_opts: options(),
    ipam: object(
      {
        driver: text(),
        config: listOf(
          object({
            subnet: text(),
            gateway: text(),
            ip_range: text(),
            aux_addresses: options({}, ['string']),
          }),
          { merge: 'ipam' },
        ),
        options: options({ unprinted: true }, ['string']),
      },
      { always: true },
    ),
    external: strictExternal,
    internal: bool(),
    attachable: bool(),
    labels: labels({ merge: 'sequence', unique: 'keyValue' }),
    enable_ipv4: bool({ keep: true }),
    enable_ipv6: bool({ keep: true }),
  },
  { accept: ['object', 'null'], canonical: 'external', extension: noExtension },
);

export const volume = object(
  {
    name: text(),
    driver: text(),
    driver_opts: options(),
    external: strictExternal,
    labels: labels({ merge: 'sequence' }),
  },
  {
    accept: ['object', 'null'],
    canonical: 'external',
    extension: noExtension,
    path: 'driverOptions',
    check: 'externalVolume',
  },
);

const fileObject = {
  name: text(),
  file: text({ path: 'hostPath' }),
  environment: text(),
  content: text(),
  external: looseExternal,
  labels: labels(),
  driver: text(),
  driver_opts: options(),
  template_driver: text(),
};
const { content: _noContent, ...secretFields } = fileObject;
const { driver: _noDriver, driver_opts: _noOptions, ...configFields } = fileObject;
export const secret = object(secretFields, { canonical: 'external', extension: noExtension, check: 'secretSource' });
export const config = object(configFields, { canonical: 'external', extension: noExtension, check: 'configSource' });

export const model = object(
  { name: text(), model: text(), context_size: int({ accept: ['integer'] }), runtime_flags: texts() },
  { required: ['model'], extension: modelExtension },
);

export const include = object(
  { path: stringOrList(), project_directory: text(), env_file: stringOrList() },
  { accept: ['string', 'object'], closed: true },
);
