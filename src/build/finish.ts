import { digestOf } from '../image/digest.ts';
import type { Digest } from '../image/types.ts';
import { attest } from './attestations.ts';
import type { Build } from './build-context.ts';
import { withInlineCache } from './shared-cache/export.ts';
import { imageOf, type StageState } from './stage-state.ts';

/** The image of the state under its names. That of a classic build is there, unless a cache is written into it. */
export async function finish(build: Build, state: StageState, tags: readonly string[]): Promise<Digest> {
  const { images } = build.parts;
  const id = build.request.classic && !build.request.cacheTo?.length ? state.image : undefined;
  const image = id ?? (await makeImage(build, state));
  for (const tag of tags) images.tag(image, tag);
  return image;
}

async function makeImage(build: Build, state: StageState): Promise<Digest> {
  const { images } = build.parts;
  const config = withInlineCache(imageOf(state, build.request.labels ?? {}, build.epoch), state, build);
  const { classic } = build.request;
  const parent = classic && state.baseImage !== undefined ? { parent: state.baseImage } : {};
  const id = digestOf(JSON.stringify(config));
  const attestations = await attest(build, state, { id, config });
  return (await images.create(config, state.chain, { ...parent, attestations })).id;
}
