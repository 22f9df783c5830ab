import { describe, expect, test } from '@jest/globals';
import { parseList, parseSources } from '../../../src/image/apt-sources.ts';
import { archivesOf } from '../../../src/image/bootstrap.ts';
import { releaseOf } from '../../../src/image/distributions.ts';
import { parseReference } from '../../../src/image/reference.ts';

const release = (name: string) => releaseOf(parseReference(name));

describe('bootstrap', () => {
  test('names of images stand for releases', () => {
    expect(release('debian:bookworm-slim')).toMatchObject({
      suite: 'bookworm',
      slim: true,
      security: 'bookworm-security',
    });
    expect(release('debian:12')).toMatchObject({ suite: 'bookworm', slim: false });
    expect(release('docker.io/library/debian:trixie')).toMatchObject({ suite: 'trixie' });
    expect(release('debian:sid')).toMatchObject({ suite: 'sid', updates: [], security: undefined });
    expect(release('ubuntu:24.04')).toMatchObject({ suite: 'noble', distribution: 'ubuntu' });
  });

  test.each(['debian:nope', 'debian:constructor', 'alpine', 'ubuntu:12.04', 'example.com/debian:12', 'team/debian:12'])(
    '%s is refused',
    (name) => expect(() => release(name)).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' })),
  );

  test('sources are read in both formats of apt', () => {
    expect(
      parseList('# deb http://no x main\ndeb [arch=amd64] http://a/debian bookworm main\ndeb-src http://b c d'),
    ).toEqual([{ uri: 'http://a/debian', suite: 'bookworm' }]);
    const text =
      'Types: deb deb-src\n# note\nURIs: http://a http://b\nSuites: x\n y\n\nTypes: deb\nEnabled: no\nURIs: http://c\nSuites: z\n';
    expect(parseSources(text)).toEqual([
      { uri: 'http://a', suite: 'x' },
      { uri: 'http://a', suite: 'y' },
      { uri: 'http://b', suite: 'x' },
      { uri: 'http://b', suite: 'y' },
    ]);
  });

  test("the host's mirror is used for the same release, a named one before all", () => {
    const host = [
      { uri: 'http://near/debian/', suite: 'bookworm' },
      { uri: 'http://near/security', suite: 'bookworm-security' },
      { uri: 'file:/srv/debian', suite: 'trixie' },
    ];
    expect(archivesOf(release('debian:12'), undefined, host)).toEqual([
      { uri: 'http://near/debian', suites: ['bookworm', 'bookworm-updates'] },
      { uri: 'http://near/security', suites: ['bookworm-security'] },
    ]);
    expect(archivesOf(release('debian:13'), undefined, host)[0]?.uri).toBe('http://deb.debian.org/debian');
    expect(archivesOf(release('debian:13'), 'http://mine/debian/', host)).toEqual([
      { uri: 'http://mine/debian', suites: ['trixie', 'trixie-updates'] },
    ]);
    expect(() => archivesOf(release('debian:13'), "http://x'; rm", host)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    );
  });
});
