import { digestOf } from '../digest.ts';
import { purlOf } from './package.ts';
import type { Inventory } from './packages.ts';
import { type Subject, secondsOf } from './spdx.ts';

/** CycloneDX 1.5 as JSON. */
export function cyclonedxOf(subject: Subject, { packages, distribution }: Inventory): Record<string, unknown> {
  const components = packages.map((one) => {
    const purl = purlOf(one, distribution);
    return {
      type: 'library',
      'bom-ref': `${purl}#${digestOf(one.source).slice(7, 15)}`,
      name: one.name,
      version: one.version,
      purl,
      ...(one.license && { licenses: [{ license: { name: one.license } }] }),
      properties: [{ name: 'iechor:source', value: one.source }],
    };
  });
  const system = distribution && [
    { type: 'operating-system', 'bom-ref': 'os', name: distribution.id, version: distribution.version },
  ];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(subject.id)}`,
    version: 1,
    metadata: {
      timestamp: secondsOf(subject.createdAt),
      tools: { components: [{ type: 'application', name: 'iechor', version: subject.version }] },
      component: { type: 'container', 'bom-ref': subject.id, name: subject.name, version: subject.id },
    },
    components: [...(system ?? []), ...components],
  };
}

/** The same for the same image: a name-based identifier (version 8, of our own making). */
function uuidOf(id: string): string {
  const hex = digestOf(id).slice(7, 39);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join('-');
}
