/** What `--metadata-file` tells of a build: of the keys that BuildKit's clients write, those that hold here. */
export function buildMetadata(id: string, tags: readonly string[]): Readonly<Record<string, string>> {
  const names = tags.length > 0 ? { 'image.name': tags.join(',') } : {};
  return { 'containerimage.config.digest': id, 'containerimage.digest': id, ...names };
}

export const metadataText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
