/** `fromImage` and `tag` as an engine wants them for a pull; a digest takes the tag's place, none is `latest`. */
export function pullTarget(reference: string): { fromImage: string; tag: string; given: boolean } {
  const at = reference.indexOf('@');
  if (at >= 0) {
    return { fromImage: reference.slice(0, at).replace(/:[^/:]*$/, ''), tag: reference.slice(at + 1), given: true };
  }
  const match = /^(.*):([^/:]+)$/.exec(reference);
  return { fromImage: match?.[1] ?? reference, tag: match?.[2] ?? 'latest', given: match !== null };
}

/** An image's name in full, as Docker prints it after a pull: with registry, `library/` and tag. */
export function fullName(reference: string, { tagged }: { readonly tagged: boolean }): string {
  const { fromImage, tag } = pullTarget(reference);
  const [first = '', ...rest] = fromImage.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const name = isHost ? fromImage : `docker.io/${rest.length === 0 ? 'library/' : ''}${fromImage}`;
  if (!tagged) return name;
  return `${name}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`;
}
