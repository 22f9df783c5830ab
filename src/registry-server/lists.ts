import { mediaTypes } from '../image/media-types.ts';
import { type Exchange, type Registry, sendJson } from './exchange.ts';
import { Refusal } from './refusal.ts';
import type { ServedDigest } from './served-digest.ts';

/** GET of the tags of a repository. */
export function sendTags({ catalog, local }: Registry, exchange: Exchange, repository: string): void {
  const tags = [...new Set([...catalog.tags(repository), ...local.tags(repository)])].sort();
  if (tags.length === 0 && !catalog.repositories().includes(repository)) {
    throw new Refusal('NAME_UNKNOWN', `no such repository: ${repository}`);
  }
  const { page, headers } = pageOf(exchange, tags, `/v2/${repository}/tags/list`);
  sendJson(exchange, { name: repository, tags: page }, headers);
}

/** GET of the names of all repositories. */
export function sendCatalog({ catalog, local }: Registry, exchange: Exchange): void {
  const names = [...new Set([...catalog.repositories(), ...local.repositories()])].sort();
  const { page, headers } = pageOf(exchange, names, '/v2/_catalog');
  sendJson(exchange, { repositories: page }, headers);
}

/** `n` names after `last`; a link to the next ones where there are more. */
function pageOf({ query }: Exchange, names: readonly string[], path: string) {
  const last = query.get('last');
  const after = last === null ? names : names.filter((name) => name > last);
  const asked = query.get('n');
  if (asked !== null && !/^[0-9]{1,9}$/.test(asked)) {
    throw new Refusal('UNSUPPORTED', `n is not a number: ${asked.slice(0, 50)}`, { status: 400 });
  }
  const page = asked === null ? after : after.slice(0, Number(asked));
  const end = page.at(-1);
  const link = `<${path}?n=${asked}&last=${encodeURIComponent(end ?? '')}>; rel="next"`;
  return { page, headers: end !== undefined && page.length < after.length ? { Link: link } : {} };
}

/** GET of the manifests that say something about another one, as an index. */
export function sendReferrers(
  { catalog }: Registry,
  exchange: Exchange,
  { repository, digest }: { readonly repository: string; readonly digest: ServedDigest },
): void {
  const wanted = exchange.query.get('artifactType');
  const manifests = catalog
    .referrers(repository, digest)
    .filter(({ artifactType }) => wanted === null || artifactType === wanted)
    .map((one) => ({
      mediaType: one.mediaType,
      digest: one.digest,
      size: one.sizeBytes,
      ...(one.artifactType !== undefined && { artifactType: one.artifactType }),
      ...(one.annotations && { annotations: one.annotations }),
    }));
  sendJson(
    exchange,
    { schemaVersion: 2, mediaType: mediaTypes.index, manifests },
    { 'Content-Type': mediaTypes.index, ...(wanted !== null && { 'OCI-Filters-Applied': 'artifactType' }) },
  );
}
