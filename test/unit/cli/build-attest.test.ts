import { expect, test } from '@jest/globals';
import { annotationsFor, attestationsFor } from '../../../src/cli/build-attest.ts';
import { checkPlatforms, readOutputs, wantsImage } from '../../../src/cli/build-output.ts';

const pushed = readOutputs([], { push: true });
const layout = readOutputs(['type=oci,dest=x.tar'], {});
const files = readOutputs(['out'], {});
const usual = { provenance: { mode: 'min', 'inline-only': 'true' } };

test.each([
  ['a push', {}, pushed, {}, usual],
  ['an image layout', {}, layout, {}, usual],
  ['an image that stays', {}, [], {}, undefined],
  ['files', {}, files, {}, undefined],
  ['a push, where the environment says no', {}, pushed, { BUILDX_NO_DEFAULT_ATTESTATIONS: '1' }, undefined],
  ['a push, where the flag says no', { provenance: 'false' }, pushed, {}, { provenance: { disabled: 'true' } }],
  ['a push with more', { sbom: 'true' }, pushed, {}, { ...usual, sbom: {} }],
  ['what is asked for', { attest: ['type=provenance,mode=max'] }, [], {}, { provenance: { mode: 'max' } }],
  ['the short form before the long', { attest: ['type=sbom'], sbom: 'false' }, [], {}, { sbom: { disabled: 'true' } }],
])('%s has its attestations', (_what, flags, outputs, environment, expected) => {
  expect(attestationsFor(flags, outputs, environment)).toEqual(expected);
});

test('attestations and annotations that would go nowhere are refused', () => {
  expect(() => attestationsFor({ sbom: 'true' }, files, {})).toThrow('type local carries no attestations');
  expect(() => annotationsFor({ annotation: ['a=b'] }, [])).toThrow('an image that is handed on');
  expect(() => annotationsFor({ annotation: ['index-descriptor:a=b'] }, pushed)).toThrow('"index-descriptor"');
});

test('annotations are put where they say, on the manifest unless they do', () => {
  const annotation = ['org.a=1', 'index:org.b=2=3', 'manifest,index:c='];
  expect(annotationsFor({ annotation }, pushed)).toEqual({
    manifest: { 'org.a': '1', c: '' },
    index: { 'org.b': '2=3', c: '' },
  });
});

test('only an image that the engine keeps takes its names', () => {
  const wants = (...texts: string[]) => wantsImage(readOutputs(texts, {}));
  expect([wants(), wants('type=docker'), wants('type=image')]).toEqual([true, true, true]);
  expect([wants('type=oci,dest=-'), wants('type=docker,dest=-'), wants('out')]).toEqual([false, false, false]);
});

test('images of several platforms need an output that holds them all, as the engine does', () => {
  const platforms = ['linux/amd64', 'linux/arm64'];
  const engine = [[], readOutputs(['type=docker'], {}), readOutputs(['type=image'], {})];
  for (const outputs of [pushed, layout, files, ...engine]) checkPlatforms(outputs, platforms);
  const archive = readOutputs(['type=docker,dest=x'], {});
  expect(() => checkPlatforms(archive, platforms)).toThrow('is for one platform');
  checkPlatforms(archive, ['linux/amd64']);
});
