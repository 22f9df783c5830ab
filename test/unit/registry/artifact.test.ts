import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { digestOf } from '../../../src/image/digest.ts';
import { fetchProject } from '../../../src/registry/artifact.ts';
import { registrySettings } from '../../../src/registry/settings.ts';
import { type OddRegistry, openOddRegistry } from './support.ts';

const fileType = 'application/vnd.docker.compose.file+yaml';
const envType = 'application/vnd.docker.compose.envfile';
let odd: OddRegistry;
beforeEach(async () => {
  odd = await openOddRegistry();
});
afterEach(() => odd.close());

/** Puts a project whose files have these annotations. */
function put(layers: readonly { type: string; annotations: Record<string, string>; text: string }[], head: object) {
  const described = layers.map(({ type, annotations, text }) => {
    const body = Buffer.from(text);
    odd.content.set(`/v2/app/blobs/${digestOf(body)}`, { type, body });
    return { mediaType: type, digest: digestOf(body), size: body.length, annotations };
  });
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, layers: described, ...head }));
  odd.content.set('/v2/app/manifests/1', { type, body });
}
const fetchIt = () => fetchProject(`${odd.host}/app:1`, { settings: registrySettings({ certificateDirs: [] }) });
const modern = { artifactType: 'application/vnd.docker.compose.project' };
const old = { config: { mediaType: 'application/vnd.docker.compose.config.empty.v1+json' } };

test.each([modern, old])('the files of a project are read with their kinds: %j', async (head) => {
  put(
    [
      { type: fileType, annotations: { 'com.docker.compose.file': 'compose.yaml' }, text: 'services: {}' },
      {
        type: fileType,
        annotations: { 'com.docker.compose.file': 'ab12.yaml', 'com.docker.compose.extends': 'true' },
        text: 'services: {base: {}}',
      },
      { type: envType, annotations: { 'com.docker.compose.envfile': 'cd34.env' }, text: 'A=1' },
      { type: 'application/x-other', annotations: {}, text: 'of no concern' },
    ],
    head,
  );
  const { files } = await fetchIt();
  expect(files.map(({ name, kind, content }) => [name, kind, content.toString()])).toEqual([
    ['compose.yaml', 'compose', 'services: {}'],
    ['ab12.yaml', 'extended', 'services: {base: {}}'],
    ['cd34.env', 'env', 'A=1'],
  ]);
});

test.each(['../../etc/cron.d/x', '/etc/passwd', '..', '.env', 'a/b', '', 'a\u0000b', 'a\nb'])(
  'a file named %j is refused: a name leads nowhere',
  async (name) => {
    put([{ type: envType, annotations: { 'com.docker.compose.envfile': name }, text: 'A=1' }], modern);
    await expect(fetchIt()).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  },
);

test('an image is no project', async () => {
  odd.publish('1', [Buffer.from('layer')]);
  await expect(fetchIt()).rejects.toMatchObject({ code: 'NOT_SUPPORTED', hint: 'is it an image?' });
});
