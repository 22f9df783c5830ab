import { IechorError } from '../common/error.ts';
import { version } from '../common/version.ts';
import { purlOf } from '../image/image-bundle.ts';
import type { CreateOptions } from '../image/image-port.ts';
import { formatReference, parseReference } from '../image/reference.ts';
import { packagesOf } from '../image/sbom/packages.ts';
import { spdxOf } from '../image/sbom/spdx.ts';
import type { ImageConfig } from '../image/types.ts';
import type { AttestationRequest, Attesting, Material } from './attesting.ts';
import type { Build, BuilderParts } from './build-context.ts';
import type { BaseImages } from './ports.ts';
import { provenanceOf } from './provenance.ts';
import { findingsOf } from './sbom-generator.ts';
import type { StageState } from './stage-state.ts';

const isTrue = (text = 'false'): boolean => /^(1|t|true)$/i.test(text);
const wrong = (message: string, hint?: string) => new IechorError('BAD_REQUEST', message, { hint });

/** Reads what is to be said about the image. Throws BAD_REQUEST, NOT_SUPPORTED. */
export function readAttestations(given: AttestationRequest = {}): Attesting {
  const unknown = Object.keys(given).find((type) => type !== 'provenance' && type !== 'sbom');
  if (unknown !== undefined) {
    throw wrong(`there is no attestation of type ${JSON.stringify(unknown)}`, 'known: provenance, sbom');
  }
  const { provenance, sbom } = given;
  return {
    ...(provenance && !isTrue(provenance.disabled) && { provenance: readProvenance(provenance) }),
    ...(sbom && !isTrue(sbom.disabled) && { sbom: readSbom(sbom) }),
  };
}

function readProvenance(attrs: Readonly<Record<string, string>>): NonNullable<Attesting['provenance']> {
  const known = ['mode', 'builder-id', 'reproducible', 'version', 'inline-only', 'disabled'];
  const unknown = Object.keys(attrs).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw wrong(`provenance knows no ${JSON.stringify(unknown)}`, `known: ${known.join(', ')}`);
  const { mode = 'max', version: form = 'v1' } = attrs;
  if (mode !== 'min' && mode !== 'max') throw wrong(`there is no provenance of mode ${JSON.stringify(mode)}`);
  if (form !== 'v1' && form !== 'v0.2')
    throw wrong(`there is no provenance of version ${JSON.stringify(form)}`, 'known: v1, v0.2');
  return { mode, version: form, builderId: attrs['builder-id'] ?? '', reproducible: isTrue(attrs.reproducible) };
}

function readSbom({
  disabled: _,
  generator,
  ...parameters
}: Readonly<Record<string, string>>): NonNullable<Attesting['sbom']> {
  if (generator) return { image: formatReference(parseReference(generator)), parameters };
  const [unknown] = Object.keys(parameters);
  if (unknown === undefined) return 'own';
  throw new IechorError('NOT_SUPPORTED', `${unknown} of an SBOM attestation is not supported without a generator`, {
    hint: "generator=IMAGE names one, --sbom=true uses the engine's own scanner",
  });
}

/** Base images that are asked for once in a build, and noted for provenance. */
export function noting(
  bases: BaseImages,
  images: BuilderParts['images'],
  materials: Map<string, Material>,
): BaseImages {
  const asked = new Map<string, ReturnType<BaseImages['resolve']>>();
  const resolve: BaseImages['resolve'] = (reference, options) => {
    const key = JSON.stringify([reference, options.platform, options.pull]);
    const found = asked.get(key) ?? bases.resolve(reference, options);
    asked.set(key, found);
    return found;
  };
  return {
    async resolve(reference, options) {
      const found = await resolve(reference, options);
      if (/^sha256:[0-9a-f]{64}$/.test(reference)) return found; // an image by its id has no name
      const parsed = parseReference(reference);
      const { os, architecture, variant } = found.config;
      const uri = purlOf(formatReference(parsed), [os, architecture, variant]);
      const digest = images
        .find(found.id)
        ?.repoDigests.find((one) => one.startsWith(`${parsed.domain}/${parsed.path}@`));
      materials.set(uri, { uri, digest: digest?.split('@')[1] ?? found.id });
      return found;
    },
  };
}

/** What the build says about its image, as far as it was asked to. */
export async function attest(
  build: Build,
  state: StageState,
  { id, config }: { readonly id: string; readonly config: ImageConfig },
): Promise<NonNullable<CreateOptions['attestations']>> {
  const { provenance, sbom } = build.attesting;
  const said: { predicateType: string; predicate: object }[] = [];
  if (sbom && sbom !== 'own') said.push(...(await findingsOf(build, state, sbom)));
  if (sbom === 'own') {
    const top = state.chain.at(-1);
    const layers = top === undefined ? [] : build.parts.snapshotter.lowerDirs(top);
    const inventory = await packagesOf(layers, build.signal);
    for (const warning of inventory.warnings) build.emit({ stream: `[Warning] ${warning}\n` });
    const subject = { name: build.request.tags?.[0] ?? 'sbom', id, createdAt: config.created ?? '1970-01-01', version };
    said.push({ predicateType: 'https://spdx.dev/Document', predicate: spdxOf(subject, inventory) });
  }
  if (provenance) said.push(provenanceOf(build, provenance));
  return said;
}
