import { expect, test } from '@jest/globals';
import { emptyState, imageOf } from '../../../src/build/stage-state.ts';

test('the order that labels, ports and volumes are given in does not show in the image', () => {
  const made = (labels: Record<string, string>, ports: string[]) => {
    const state = emptyState({ os: 'linux', architecture: 'amd64' });
    state.config.Labels = { m: 'own' };
    state.config.ExposedPorts = Object.fromEntries(ports.map((port) => [port, {}]));
    state.config.Volumes = Object.fromEntries(ports.map((port) => [`/${port}`, {}]));
    return JSON.stringify(imageOf(state, labels));
  };
  expect(made({ a: '1', z: '2' }, ['80/tcp', '443/tcp'])).toBe(made({ z: '2', a: '1' }, ['443/tcp', '80/tcp']));
  expect(Object.keys(JSON.parse(made({ z: '2', a: '1' }, [])).config.Labels)).toEqual(['a', 'm', 'z']);
});
