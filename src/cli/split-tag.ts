/** `host:5000/repo:tag` as repository and tag; the tag is undefined where none is given. */
export function splitTag(reference: string): { readonly repo: string; readonly tag: string | undefined } {
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return { repo: reference, tag: undefined };
  return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
