import { digestOf } from '../digest.ts';
import { purlOf } from './package.ts';
import type { Inventory } from './packages.ts';

export interface Subject {
  /** Name of the image as it was asked for. */
  readonly name: string;
  readonly id: string;
  readonly createdAt: string;
  /** Of the program that makes the document. */
  readonly version: string;
}

/** SPDX 2.3 as JSON. */
export function spdxOf(subject: Subject, { packages, distribution }: Inventory): Record<string, unknown> {
  const described = packages.map((one) => {
    const purl = purlOf(one, distribution);
    return {
      SPDXID: `SPDXRef-Package-${digestOf(purl + one.source).slice(7, 23)}`,
      name: one.name,
      versionInfo: one.version,
      supplier: one.supplier ? `Organization: ${one.supplier}` : 'NOASSERTION',
      downloadLocation: 'NOASSERTION',
      filesAnalyzed: false,
      sourceInfo: `acquired from ${one.source}`,
      licenseConcluded: 'NOASSERTION',
      licenseDeclared: isExpression(one.license) ? one.license : 'NOASSERTION',
      copyrightText: 'NOASSERTION',
      externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
    };
  });
  const root = {
    SPDXID: 'SPDXRef-Image',
    name: subject.name,
    versionInfo: subject.id,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: 'CONTAINER',
    checksums: [{ algorithm: 'SHA256', checksumValue: subject.id.replace('sha256:', '') }],
  };
  const relation = (from: string, relationshipType: string, to: string) => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    documentNamespace: `https://iechor.invalid/spdx/${subject.id.replace(':', '-')}`,
    creationInfo: { created: secondsOf(subject.createdAt), creators: [`Tool: iechor-${subject.version}`] },
    packages: [root, ...described],
    relationships: [
      relation('SPDXRef-DOCUMENT', 'DESCRIBES', root.SPDXID),
      ...described.map(({ SPDXID }) => relation(root.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
}

/** SPDX takes whole seconds. */
export function secondsOf(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** What can be an expression of SPDX licences; the words of package managers often are none. */
const isExpression = (text: string | undefined): text is string =>
  text !== undefined && /^[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*$/.test(text);
