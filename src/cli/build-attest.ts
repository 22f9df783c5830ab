import type { ImageAnnotations } from '../api/types/image.ts';
import { IechorError } from '../common/error.ts';
import { type Attestations, readAttestations } from '../compose/plan/attestations.ts';
import type { BuildOutput } from './build-output.ts';

export interface SaidFlags {
  readonly attest?: readonly string[] | undefined;
  readonly provenance?: string | undefined;
  readonly sbom?: string | undefined;
  readonly annotation?: readonly string[] | undefined;
}

/** Whether an output has a place for what is said about images, apart from the engine's own store. */
const carries = ({ type, push }: BuildOutput): boolean => type === 'oci' || (type === 'image' && push);

/**
 * What is to be said about the image. Without a word, a little provenance goes along where an output carries it, as
 * with BuildKit, unless BUILDX_NO_DEFAULT_ATTESTATIONS is set. Throws USAGE where it could go nowhere.
 */
export function attestationsFor(
  flags: SaidFlags,
  outputs: readonly BuildOutput[],
  environment: NodeJS.ProcessEnv,
): Attestations | undefined {
  const asked = readAttestations(flags);
  const isOff = /^(1|t|true)$/i.test(environment.BUILDX_NO_DEFAULT_ATTESTATIONS ?? '');
  const usual = outputs.some(carries) && !isOff && asked?.provenance === undefined;
  const wanted = Object.values(asked ?? {}).some(({ disabled }) => disabled !== 'true');
  const lost = outputs.find((output) => !carries(output) && output.type !== 'image' && output.type !== 'cacheonly');
  if (wanted && lost && !outputs.some(carries)) {
    throw new IechorError('USAGE', `an output of type ${lost.type} carries no attestations`, {
      hint: '-o type=oci and --push do',
    });
  }
  return usual ? { provenance: { mode: 'min', 'inline-only': 'true' }, ...asked } : asked;
}

const places = ['manifest', 'index', 'manifest-descriptor'] as const;

/** Reads `--annotation [manifest:|index:|manifest-descriptor:]KEY=VALUE`. Throws USAGE. */
export function annotationsFor(flags: SaidFlags, outputs: readonly BuildOutput[]): ImageAnnotations | undefined {
  const annotation = [...(flags.annotation ?? []), ...outputs.flatMap(({ annotations }) => annotations)];
  if (annotation.length === 0) return undefined;
  if (!outputs.some(carries)) {
    throw new IechorError('USAGE', 'annotations are of an image that is handed on', {
      hint: 'use -o type=oci or --push; labels (--label) stay with an image everywhere',
    });
  }
  const found: { [K in (typeof places)[number]]?: Record<string, string> } = {};
  for (const text of annotation) {
    const [, kind = 'manifest', key = '', value = ''] = /^(?:([a-z,-]+):)?([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key === '') throw new IechorError('USAGE', `the annotation ${JSON.stringify(text)} is no KEY=VALUE`);
    for (const name of kind.split(',')) {
      const place = places.find((one) => one === name);
      if (!place) {
        throw new IechorError('NOT_SUPPORTED', `annotations on ${JSON.stringify(name)} are not supported`, {
          hint: `known: ${places.join(', ')}`,
        });
      }
      found[place] = { ...found[place], [key]: value };
    }
  }
  return found;
}
