/** One piece of software that an image has. */
export interface Package {
  readonly type: 'deb' | 'apk' | 'rpm' | 'npm' | 'pypi';
  readonly name: string;
  readonly version: string;
  readonly architecture?: string | undefined;
  readonly license?: string | undefined;
  readonly supplier?: string | undefined;
  /** Where it was read. */
  readonly source: string;
}

export interface Distribution {
  readonly id: string;
  readonly version: string;
}

/** Names that have a form of their own in a package URL. */
const names: Readonly<Partial<Record<Package['type'], (name: string, encode: (text: string) => string) => string>>> = {
  npm: (name, encode) => name.split('/').map(encode).join('/').replace('@', '%40'),
  pypi: (name, encode) => encode(name.toLowerCase().replaceAll('_', '-')),
};

/** The package as a package URL (https://github.com/package-url/purl-spec). */
export function purlOf(one: Package, distribution: Distribution | undefined): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%3A', ':');
  const own = ['deb', 'apk', 'rpm'].includes(one.type);
  const namespace = own ? `${encode(distribution?.id ?? 'unknown')}/` : '';
  const name = names[one.type]?.(one.name, encode) ?? encode(one.name);
  const qualifiers = [
    ...(one.architecture ? [`arch=${encode(one.architecture)}`] : []),
    ...(own && distribution?.version ? [`distro=${encode(`${distribution.id}-${distribution.version}`)}`] : []),
  ];
  const query = qualifiers.length > 0 ? `?${qualifiers.join('&')}` : '';
  return `pkg:${one.type}/${namespace}${name}@${encode(one.version)}${query}`;
}
