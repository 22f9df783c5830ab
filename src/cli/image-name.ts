/** `fromImage` and `tag` as an engine wants them for a pull; a digest takes the tag's place, none is `latest`. */
export function pullTarget(reference: string): { fromImage: string; tag: string; given: boolean } {
  const at = reference.indexOf('@');
  if (at >= 0) {
    return { fromImage: reference.slice(0, at).replace(/:[^/:]*$/, ''), tag: reference.slice(at + 1), given: true };
  }
  const match = /^(.*):([^/:]+)$/.exec(reference);
  return { fromImage: match?.[1] ?? reference, tag: match?.[2] ?? 'latest', given: match !== null };
}

/** An image's name in full, as Docker prints it after a pull: with its registry, docker.io's `library/` and tag. */
export function fullName(
  reference: string,
  { tagged, registry }: { readonly tagged: boolean; readonly registry: string },
): string {
  const { fromImage } = pullTarget(reference);
  const official = registry === 'docker.io' && !fromImage.includes('/') ? 'library/' : '';
  const name = hostIn(fromImage) === undefined ? `${registry}/${official}${fromImage}` : fromImage;
  if (!tagged) return name;
  const [, ending] = /((?::[^/:@]+)?@.*|:[^/:]+)$/.exec(reference) ?? [];
  return `${name}${ending ?? ':latest'}`;
}

/** The first part of a name where it looks like a registry's host. */
export function hostIn(name: string): string | undefined {
  const [first = '', ...rest] = name.split('/');
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  return isHost ? first : undefined;
}
