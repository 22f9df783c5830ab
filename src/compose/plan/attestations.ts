import { IechorError } from '../../common/error.ts';

/** What is to be said about an image: attributes by type, as the engine takes them. */
export type Attestations = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Reads what `--attest`, `--provenance`, `--sbom` and their like in Compose files say: `true`, `false`, or attributes
 * (`mode=max`). The short forms win. Throws USAGE.
 */
export function readAttestations(given: {
  readonly attest?: readonly string[] | undefined;
  readonly provenance?: string | undefined;
  readonly sbom?: string | undefined;
}): Attestations | undefined {
  const found: Record<string, Record<string, string>> = {};
  for (const text of given.attest ?? []) {
    const { type, ...attributes } = attributesOf(text, '--attest');
    if (!type) throw new IechorError('USAGE', `--attest ${text} has no type`, { hint: 'type=provenance or type=sbom' });
    found[type] = attributes;
  }
  for (const type of ['provenance', 'sbom'] as const) {
    const text = given[type];
    if (text !== undefined) found[type] = shortForm(text, `--${type}`);
  }
  return Object.keys(found).length > 0 ? found : undefined;
}

function shortForm(text: string, flag: string): Record<string, string> {
  if (/^(1|t|true)$/i.test(text)) return {};
  if (/^(0|f|false)$/i.test(text)) return { disabled: 'true' };
  return attributesOf(text, flag);
}

function attributesOf(text: string, flag: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((field) => {
      const at = field.indexOf('=');
      if (at > 0) return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)];
      throw new IechorError('USAGE', `${flag} ${text}: ${JSON.stringify(field)} has no value`);
    }),
  );
}
