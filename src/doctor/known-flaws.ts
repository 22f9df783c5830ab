/** Flaws of OCI runtimes by the releases that mend them, newest branch last (each runtime's own security notes). */
export interface Flaw {
  readonly id: string;
  readonly runtime: 'crun' | 'runc';
  readonly what: string;
  /** First release of each branch without the flaw. Releases of older branches have it. */
  readonly mendedIn: readonly string[];
}

export const flaws: readonly Flaw[] = [
  {
    id: 'CVE-2024-21626',
    runtime: 'runc',
    what: "a leaked descriptor lets a container reach the host's files",
    mendedIn: ['1.1.12'],
  },
  {
    id: 'CVE-2024-45310',
    runtime: 'runc',
    what: 'empty files can be made on the host',
    mendedIn: ['1.1.14', '1.2.0-rc.3'],
  },
  {
    id: 'CVE-2025-31133',
    runtime: 'runc',
    what: 'masked paths can be led astray',
    mendedIn: ['1.2.8', '1.3.3', '1.4.0-rc.3'],
  },
  {
    id: 'CVE-2025-52565',
    runtime: 'runc',
    what: '/dev/console can be led astray',
    mendedIn: ['1.2.8', '1.3.3', '1.4.0-rc.3'],
  },
  {
    id: 'CVE-2025-52881',
    runtime: 'runc',
    what: 'writes to /proc can be led astray',
    mendedIn: ['1.2.8', '1.3.3', '1.4.0-rc.3'],
  },
  { id: 'CVE-2025-24965', runtime: 'crun', what: 'a krun container can write to the host', mendedIn: ['1.20'] },
];

/** Debian mends flaws without raising the release: what its package versions are known to contain. */
const backports: Readonly<Record<string, readonly string[]>> = { '1.1.5+ds1-1+deb12u1': ['CVE-2024-21626'] };

/** Flaws of a runtime of that version. `debianVersion` is the package's, where there is one. */
export function flawsOf(runtime: 'crun' | 'runc', version: string, debianVersion?: string): readonly Flaw[] {
  const mended = backports[debianVersion ?? ''] ?? [];
  return flaws.filter(
    (flaw) => flaw.runtime === runtime && !mended.includes(flaw.id) && !isMended(version, flaw.mendedIn),
  );
}

/** At or after the mending release of its own branch, or on a branch later than all of them. */
function isMended(version: string, mendedIn: readonly string[]): boolean {
  const own = mendedIn.find((release) => compare(branch(release), branch(version)) === 0);
  if (own !== undefined) return compare(parts(version), parts(own)) >= 0;
  return mendedIn.every((release) => compare(branch(version), branch(release)) > 0);
}

const branch = (version: string): number[] => parts(version).slice(0, 2);

/** `1.4.0-rc.3` as [1, 4, 0, -1, 3], so that a release candidate sorts before its release. */
function parts(version: string): number[] {
  const [release = '', candidate] = version.replace(/[+~].*$/, '').split('-rc.');
  const numbers = release.split('.').map(Number);
  while (numbers.length < 3) numbers.push(0);
  return candidate === undefined ? numbers : [...numbers, -1, Number(candidate)];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
