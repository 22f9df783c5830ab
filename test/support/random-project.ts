import type { Project, Service } from '../../src/compose/model/project.ts';
import { project } from './compose-model.ts';

/** A small generator with a seed (mulberry32), so that a failing case can be run again. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A project of up to seven services with dependencies, networks, volumes, replicas and shared namespaces. */
export function randomProject(name: string, seed: number): Project {
  const random = randomOf(seed);
  const names = Array.from({ length: 1 + random(7) }, (_, at) => `s${at}`);
  const networks = Object.fromEntries(
    ['default', 'front', 'back'].map((key) => [
      key,
      { name: `${name}_${key}`, ipam: {}, ...(random(3) === 0 && { internal: true }) },
    ]),
  );
  const volumes = Object.fromEntries(['data', 'logs'].map((key) => [key, { name: `${name}_${key}` }]));
  const services: Record<string, Service> = {};
  for (const own of names) services[own] = randomService(services, random);
  return project(services, { name, networks, volumes });
}

function randomService(others: Readonly<Record<string, Service>>, random: (below: number) => number): Service {
  const earlier = Object.keys(others);
  // Whose namespace is shared must have a container.
  const donors = earlier.filter((name) => others[name]?.scale !== 0);
  const conditions = ['service_started', 'service_healthy'] as const;
  const dependencies = earlier.filter(() => random(3) === 0);
  const provider = donors.length > 0 && random(6) === 0 ? donors[random(donors.length)] : undefined;
  const networks = ['default', 'front', 'back'].filter(() => random(2) === 0);
  return {
    image: `image${random(3)}:latest`,
    command: ['run', String(random(4))],
    entrypoint: null,
    environment: { LEVEL: String(random(3)) },
    healthcheck: { test: ['CMD', 'true'] },
    ...(random(3) === 0 && { scale: random(4) }),
    ...(random(2) === 0 && {
      volumes: [
        { type: 'volume', source: 'data', target: '/data' },
        { type: 'volume', target: '/cache' },
      ] as const,
    }),
    ...(dependencies.length > 0 && {
      depends_on: Object.fromEntries(
        dependencies.map((one) => [
          one,
          { condition: conditions[random(2)] ?? 'service_started', required: true, restart: random(2) === 0 },
        ]),
      ),
    }),
    ...(provider
      ? { network_mode: `service:${provider}` }
      : { networks: Object.fromEntries((networks.length > 0 ? networks : ['default']).map((key) => [key, null])) }),
  };
}
