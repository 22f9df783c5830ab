import { createHash } from 'node:crypto';
import type { NetworkSpec, Service, VolumeSpec } from '../model/project.ts';
import { stable } from './fingerprints.ts';

/** Content of the `config-hash` label. */
export function serviceHash(service: Service): string {
  const { build, pull_policy, scale, depends_on, profiles, ...rest } = service;
  return sha256(stable(rest.deploy ? { ...rest, deploy: { ...rest.deploy, replicas: undefined } } : rest));
}
export const networkHash = (spec: NetworkSpec): string => sha256(stable(spec));
export const volumeHash = (spec: VolumeSpec): string => sha256(stable({ ...spec, driver: spec.driver ?? 'local' }));

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
