import { createHash } from 'node:crypto';
import { serviceHash as hashOf } from '../config.ts';
import { toJson } from '../model/json-text.ts';
import { type Printable, printable } from '../model/printable.ts';
import type { NetworkSpec, Service, VolumeSpec } from '../model/project.ts';
import { projectSpec } from '../source/attributes.ts';

// Contents of the `config-hash` labels: those of Docker Compose to the bit, so that neither tool takes what the other
// made for something to be made again.

export const serviceHash = (service: Service): string => hashOf(service);
export const networkHash = (spec: NetworkSpec): string => hash('networks', spec);
export const volumeHash = (spec: VolumeSpec): string => hash('volumes', { ...spec, driver: spec.driver ?? 'local' });

function hash(section: 'networks' | 'volumes', value: unknown): string {
  const spec = projectSpec.fields?.get(section)?.values;
  if (!spec) throw new Error(`no attributes of ${section}`);
  return createHash('sha256')
    .update(compact(printable(value, spec, 'json')))
    .digest('hex');
}

function compact(value: Printable): string {
  if (value instanceof Map) return `{${[...value].map(([key, own]) => `${toJson(key)}:${compact(own)}`).join(',')}}`;
  if (Array.isArray(value)) return `[${value.map(compact).join(',')}]`;
  return toJson(value);
}
