import { afterEach, describe, expect, test } from '@jest/globals';
import { chainIdOf, chainIdsOf, digestOf, hexOf, parseDigest } from '../../../src/image/digest.ts';
import { familiar, formatReference, parseReference, setDefaultRegistry } from '../../../src/image/reference.ts';
import type { Digest } from '../../../src/image/types.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

describe('references', () => {
  test.each([
    ['debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['debian:bookworm-slim', 'docker.io/library/debian:bookworm-slim', 'debian:bookworm-slim'],
    ['docker.io/debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['index.docker.io/library/debian', 'docker.io/library/debian:latest', 'debian:latest'],
    ['team/app:1', 'docker.io/team/app:1', 'team/app:1'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app:1', 'localhost:5000/app:1', 'localhost:5000/app:1'],
    ['registry.example/a/b__c/d-e', 'registry.example/a/b__c/d-e:latest', 'registry.example/a/b__c/d-e:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    [`debian@${digest}`, `docker.io/library/debian@${digest}`, `debian@${digest}`],
    [`debian:12@${digest}`, `docker.io/library/debian:12@${digest}`, `debian:12@${digest}`],
    ['library/debian', 'docker.io/library/debian:latest', 'debian:latest'],
  ])('%s is %s', (text, canonical, short) => {
    expect(formatReference(parseReference(text))).toBe(canonical);
    expect(familiar(canonical)).toBe(short);
    expect(formatReference(parseReference(canonical))).toBe(canonical);
  });

  test.each([
    ['', /empty/],
    ['Debian', /lower case/],
    ['deb ian', /lower-case letters/],
    ['../x', /./],
    ['a//b', /./],
    ['/a', /host/],
    ['a/', /./],
    ['a:', /tag/],
    ['a:.x', /tag/],
    [`a:${'x'.repeat(129)}`, /tag/],
    ['a@sha256:12', /64/],
    ['a@md5:12', /64/],
    ['a@b@c', /more than one/],
    ['a'.repeat(300), /longer/],
    ['ab'.repeat(32), /image id/],
    ['ä', /./],
    ['-x.com/a', /host/],
    ['x\n', /./],
    ['__proto__', /./],
  ])('%j is refused', (text, reason) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID', hint: expect.stringMatching(reason) }),
    );
  });
});

describe('with another default registry', () => {
  afterEach(() => setDefaultRegistry(undefined));

  test.each([
    ['web', 'registry:5000/web:latest', 'web:latest'],
    ['team/app:1', 'registry:5000/team/app:1', 'team/app:1'],
    ['library/web', 'registry:5000/library/web:latest', 'library/web:latest'],
    ['docker.io/debian', 'docker.io/library/debian:latest', 'docker.io/library/debian:latest'],
    ['docker.io/team/app', 'docker.io/team/app:latest', 'docker.io/team/app:latest'],
    ['other.example/app', 'other.example/app:latest', 'other.example/app:latest'],
    ['registry:5000/a.b/app', 'registry:5000/a.b/app:latest', 'registry:5000/a.b/app:latest'],
  ])('%s is %s', (text, canonical, short) => {
    setDefaultRegistry('registry:5000');
    expect(formatReference(parseReference(text))).toBe(canonical);
    expect(familiar(canonical)).toBe(short);
    expect(formatReference(parseReference(short))).toBe(canonical);
  });

  test.each(['https://registry.example', 'registry', 'registry.example/team', 'a b.c'])('%s is no registry', (host) => {
    expect(() => setDefaultRegistry(host)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
    expect(formatReference(parseReference('web'))).toBe('docker.io/library/web:latest');
  });
});

describe('digests', () => {
  test.each(['sha256:../../x', 'sha256:AB', `${digest}0`, `md5:${'a'.repeat(64)}`, '', undefined, 7, `${digest}\n`])(
    '%j names nothing',
    (text) => {
      expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
      expect(() => hexOf(text as Digest)).toThrow();
    },
  );

  test('chain ids follow the image specification', () => {
    const [one, two] = [digestOf('1'), digestOf('2')];
    expect(chainIdsOf([one, two])).toEqual([one, digestOf(`${one} ${two}`)]);
    expect(chainIdOf(undefined, one)).toBe(one);
  });
});
