import type { Release } from './distributions.ts';

/** What the slim variant leaves out; copyright files must stay with what they cover. */
const slimExcludes: readonly string[] = [
  'path-exclude=/usr/share/doc/*',
  'path-include=/usr/share/doc/*/copyright',
  'path-exclude=/usr/share/groff/*',
  'path-exclude=/usr/share/info/*',
  'path-exclude=/usr/share/linda/*',
  'path-exclude=/usr/share/lintian/overrides/*',
  'path-exclude=/usr/share/locale/*',
  'path-include=/usr/share/locale/locale.alias',
  'path-exclude=/usr/share/man/*',
];

/** Options for dpkg while the image is made, which also stay in it. */
export function dpkgOptions(release: Release): readonly string[] {
  // What is lost in a crash is made anew, so nothing needs to wait for the disk.
  return ['force-unsafe-io', ...(release.slim ? slimExcludes : [])];
}

/** The archives packages come from, also in the image. */
export interface Archive {
  readonly uri: string;
  readonly suites: readonly string[];
}

export function sourcesFile(release: Release, archives: readonly Archive[]): string {
  return archives
    .map(({ uri, suites }) =>
      [
        'Types: deb',
        `URIs: ${uri}`,
        `Suites: ${suites.join(' ')}`,
        `Components: ${release.components.join(' ')}`,
        `Signed-By: ${release.keyring}`,
        '',
      ].join('\n'),
    )
    .join('\n');
}

const files: Readonly<Record<string, string>> = {
  // Caches and archives only make image layers larger.
  'etc/apt/apt.conf.d/docker-clean': [
    'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };',
    'APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };',
    'Dir::Cache::pkgcache "";',
    'Dir::Cache::srcpkgcache "";',
    '',
  ].join('\n'),
  'etc/apt/apt.conf.d/docker-autoremove-suggests': 'Apt::AutoRemove::SuggestsImportant "false";\n',
  'etc/apt/apt.conf.d/docker-gzip-indexes': 'Acquire::GzipIndexes "true";\n',
  'etc/apt/apt.conf.d/docker-no-languages': 'Acquire::Languages "none";\n',
  'etc/hostname': '',
  'etc/resolv.conf': '',
};

/** `/usr/sbin/policy-rc.d`: services cannot be started while an image is built. */
export const servicePolicy = '#!/bin/sh\nexit 101\n';

const removed = [
  'etc/apt/sources.list',
  'etc/machine-id',
  'etc/passwd-',
  'etc/group-',
  'etc/shadow-',
  'etc/gshadow-',
  'etc/.pwd.lock',
  'var/cache/ldconfig/aux-cache',
  'var/cache/debconf/*-old',
  'var/lib/dpkg/*-old',
  'var/lib/dpkg/lock*',
  'var/lib/dpkg/triggers/Lock',
  'var/lib/apt/lists/*',
  'var/cache/apt/*',
  'var/log/*.log',
  'var/log/apt/*',
];

/**
 * The script that finishes the new root (`$1`): configures it as the official images are and takes out what differs
 * from run to run. Writes the time of the newest packaged file, in seconds, to `epochFile`.
 */
export function finishScript(options: {
  readonly release: Release;
  readonly archives: readonly Archive[];
  readonly epochFile: string;
}): string {
  const { release, archives, epochFile } = options;
  const sources = `etc/apt/sources.list.d/${release.distribution}.sources`;
  const write = ([path, content]: readonly [string, string]) =>
    content === '' ? `: > ${path}` : `cat > ${path} <<'END-OF-FILE'\n${content}END-OF-FILE`;
  return `#!/bin/sh
set -eu
cd "$1"
${Object.entries({ ...files, [sources]: sourcesFile(release, archives) })
  .map(write)
  .join('\n')}
if [ -e etc/dpkg/dpkg.cfg.d/99mmdebstrap ]; then mv etc/dpkg/dpkg.cfg.d/99mmdebstrap etc/dpkg/dpkg.cfg.d/docker; fi
rm -rf ${removed.join(' ')}
rm -f etc/apt/apt.conf.d/99mmdebstrap
# Packages are older than this run, whatever their scripts made is younger.
began=$(stat -c %Y "$2")
epoch=$(find usr etc bin sbin lib -xdev -type f ! -newermt "@$began" -printf '%T@\\n' 2>/dev/null | cut -d. -f1 | sort -n | tail -n 1)
echo "$epoch" > '${epochFile}'
# Accounts made by package scripts carry the day they were made.
day=$((epoch / 86400))
if [ -e etc/shadow ]; then sed -i "s/^\\([^:]*:[^:]*\\):[0-9]*:/\\1:$day:/" etc/shadow; fi
`;
}
