import { describe } from '@jest/globals';
import { missingForContainers } from './machine.ts';

/** `describe` for tests that run containers; on a machine that cannot, they are skipped by name and the reason is printed. */
export function describeWithContainers(name: string, body: () => void): void {
  const missing = missingForContainers();
  if (missing.length > 0) console.warn(`SKIPPED: ${name}: this machine lacks ${missing.join(', ')}`);
  (missing.length > 0 ? describe.skip : describe)(name, body);
}
