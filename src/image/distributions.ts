import { IechorError } from '../common/error.ts';
import type { Reference } from './reference.ts';
import { familiar, formatReference } from './reference.ts';

/** A release of a distribution, as its own archive names things. */
export interface Release {
  readonly distribution: 'debian' | 'ubuntu';
  readonly suite: string;
  /** Without documentation, manual pages and translations. */
  readonly slim: boolean;
  readonly components: readonly string[];
  readonly mirror: string;
  readonly securityMirror: string;
  /** Suites beside the main one; empty for a rolling release. */
  readonly updates: readonly string[];
  readonly security: string | undefined;
  /** Where the archive's keys lie, on the host and in the image. */
  readonly keyring: string;
  /** The Debian package that brings the keys. */
  readonly keyringPackage: string;
}

const debianSuites: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '11': 'bullseye',
    '12': 'bookworm',
    '13': 'trixie',
    '14': 'forky',
    latest: 'trixie',
    oldstable: 'bookworm',
    stable: 'trixie',
    testing: 'forky',
    unstable: 'sid',
  }),
);
const debianNames = ['bullseye', 'bookworm', 'trixie', 'forky', 'sid'];
const ubuntuSuites: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '20.04': 'focal',
    '22.04': 'jammy',
    '24.04': 'noble',
    '25.10': 'questing',
    '26.04': 'resolute',
    latest: 'resolute',
  }),
);

/** True for names of images that `bootstrap` may be able to make. */
export function isBootstrappable(reference: Reference): boolean {
  return /^(?:debian|ubuntu)(?:$|[:@])/.test(familiar(formatReference(reference)));
}

/** The release that `debian:<tag>` or `ubuntu:<tag>` stands for. Throws NOT_SUPPORTED, naming what there is. */
export function releaseOf(reference: Reference): Release {
  const shown = familiar(formatReference(reference));
  if (!isBootstrappable(reference) || reference.tag === undefined || reference.digest !== undefined) {
    throw new IechorError('NOT_SUPPORTED', `${shown} cannot be made from a distribution's packages`, {
      hint: 'possible are debian:<release>, debian:<release>-slim and ubuntu:<release>',
    });
  }
  return /(?:^|\/)debian$/.test(reference.path) ? debian(reference.tag, shown) : ubuntu(reference.tag, shown);
}

function debian(tag: string, shown: string): Release {
  const slim = tag.endsWith('-slim');
  const name = slim ? tag.slice(0, -'-slim'.length) : tag;
  const suite = debianNames.includes(name) ? name : debianSuites.get(name);
  if (suite === undefined) throw unknownRelease(shown, [...debianNames, ...debianSuites.keys()]);
  const rolling = suite === 'sid';
  return {
    distribution: 'debian',
    suite,
    slim,
    components: ['main'],
    mirror: 'http://deb.debian.org/debian',
    securityMirror: 'http://deb.debian.org/debian-security',
    updates: rolling ? [] : [`${suite}-updates`],
    security: rolling ? undefined : `${suite}-security`,
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    keyringPackage: 'debian-archive-keyring',
  };
}

function ubuntu(tag: string, shown: string): Release {
  const names = new Set(ubuntuSuites.values());
  const suite = names.has(tag) ? tag : ubuntuSuites.get(tag);
  if (suite === undefined) {
    throw unknownRelease(shown, [...names, ...ubuntuSuites.keys()]);
  }
  const onPorts = process.arch !== 'x64';
  const mirror = onPorts ? 'http://ports.ubuntu.com/ubuntu-ports' : 'http://archive.ubuntu.com/ubuntu';
  return {
    distribution: 'ubuntu',
    suite,
    slim: false,
    components: ['main', 'restricted', 'universe', 'multiverse'],
    mirror,
    securityMirror: onPorts ? mirror : 'http://security.ubuntu.com/ubuntu',
    updates: [`${suite}-updates`],
    security: `${suite}-security`,
    keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
    keyringPackage: 'ubuntu-keyring',
  };
}

function unknownRelease(shown: string, known: readonly string[]): IechorError {
  return new IechorError('NOT_SUPPORTED', `${shown} names no release we know`, {
    hint: `known are ${known.join(', ')}`,
  });
}
