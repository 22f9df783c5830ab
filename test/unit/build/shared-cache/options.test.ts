import { expect, test } from '@jest/globals';
import { formatCache, readCache } from '../../../../src/build/shared-cache/document.ts';
import { readExport, readImport } from '../../../../src/build/shared-cache/options.ts';

test.each([
  [{ type: 'registry', attrs: {} }, 'needs ref='],
  [{ type: 'registry', attrs: { ref: 'a', mode: 'some' } }, 'no mode "some"'],
  [{ type: 'registry', attrs: { ref: `a@sha256:${'0'.repeat(64)}` } }, 'not to a digest'],
  [{ type: 'registry', attrs: { ref: 'a', 'image-manifest': 'false' } }, 'image-manifest=false'],
  [{ type: 'registry', attrs: { ref: 'a', compression: 'estargz' } }, '"estargz"'],
  [{ type: 'registry', attrs: { ref: 'a', 'compression-level': '10' } }, 'no level "10"'],
  [{ type: 'registry', attrs: { ref: 'a', dest: '/x' } }, '"dest" is no option'],
  [{ type: 'inline', attrs: { mode: 'max' } }, '"mode" is no option'],
  [{ type: 'local', attrs: { dest: '/x', tag: '../x' } }, 'is no tag'],
  [{ type: 's3', attrs: {} }, 'type=s3'],
  [{ type: 'ipfs', attrs: {} }, 'no cache of type "ipfs"'],
])('%j is refused by what is wrong with it', (entry, message) => {
  expect(() => readExport(entry as Parameters<typeof readExport>[0])).toThrow(message);
});

test('a cache to take from is a name in a registry, a directory, or what the client keeps', () => {
  expect(readImport({ type: 'registry', attrs: { ref: 'a/b:1' } })).toEqual({ type: 'registry', name: 'a/b:1' });
  expect(readImport({ type: 'local', attrs: { src: '/c' } })).toMatchObject({ directory: '/c', tag: 'latest' });
  const client = { src: '/c', store: 'local:/c', digest: 'sha256:0' };
  expect(readImport({ type: 'local', attrs: client })).toMatchObject({ type: 'client', store: 'local:/c' });
  expect(() => readImport({ type: 'inline', attrs: {} })).toThrow('no cache of type "inline"');
});

const hex = (digit: string): string => digit.repeat(64);
const step = {
  key: hex('a'),
  parent: `sha256:${hex('b')}`,
  diffId: `sha256:${hex('c')}`,
  created: '2026-01-01T00:00:00Z',
} as const;

test('a cache reads back as it was written', () => {
  const document = { steps: [{ ...step, layer: 0 }, step], content: [{ id: hex('d'), digest: hex('e') }] };
  expect(readCache(Buffer.from(JSON.stringify(formatCache(document))))).toEqual(document);
});

test.each([{ key: '../../etc' }, { parent: 'sha256:x' }, { diffId: hex('c') }, { created: 'soon' }, { created: 1 }])(
  'a step with %j is left out',
  (wrong) => {
    expect(readCache({ version: 1, steps: [{ ...step, ...wrong }], content: [] })?.steps).toEqual([]);
  },
);

test.each([-1, 1.5, '0', null, 1e300])('the layer %j is none', (layer) => {
  expect(readCache({ version: 1, steps: [{ ...step, layer }], content: [] })?.steps).toEqual([step]);
});

test('a cache of another version is not read', () => {
  expect(readCache({ version: 2, steps: [step], content: [] })).toBeUndefined();
});
