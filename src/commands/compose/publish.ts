import { ComposeCommand } from '../../cli/compose-command.ts';
import { composeFlags } from '../../cli/compose-flags.ts';
import { confirm } from '../../cli/confirm.ts';
import { Args, Flags } from '../../cli/flags.ts';
import { IechorError } from '../../common/error.ts';
import { push } from '../../compose/images.ts';
import type { PublishConcerns, PublishedFile } from '../../compose/publish.ts';
import type { Project } from '../../compose/model/project.ts';
import type { Loaded } from '../../compose/source/load.ts';

const doubleCheck = 'please double check that you are not leaking sensitive data';

export default class Publish extends ComposeCommand {
  static override summary = 'Publish the project to a registry, for -f oci://';
  static override synopsis = '[OPTIONS] REPOSITORY[:TAG]';
  static override args = { repository: Args.string({ required: true }) };
  static override flags = {
    app: Flags.boolean({ summary: 'Publish the images with the project' }),
    'dry-run': composeFlags['dry-run'],
    'oci-version': Flags.string({ summary: 'Version of the OCI specification', options: ['1.0', '1.1'] }),
    'resolve-image-digests': Flags.boolean({ summary: 'Pin images to the digests that their registries have' }),
    'with-env': Flags.boolean({ summary: 'Publish values of the environment too' }),
    yes: Flags.boolean({ char: 'y', summary: 'Answer yes to all questions' }),
  };

  async run(): Promise<void> {
    const { flags, args } = await this.parse(Publish);
    const loaded = await this.project();
    const { concernsOf, filesToPublish } = await import('../../compose/publish.ts');
    const published = filesToPublish(loaded.project);
    if (!(await this.#mayPublish(concernsOf(loaded.project, published), flags))) return;
    const files = [...published.files];
    const tell = (what: string) => process.stderr.write(` ${args.repository} ${what}\n`);
    if (this.isDryRun(flags)) {
      tell('publishing');
      for (const { name, kind, content } of files) this.print(`${name} (${kind}, ${content.length} bytes)`);
      tell('published');
      return;
    }
    await this.#pushImages(loaded);
    const images = new Set<string>();
    if (flags['resolve-image-digests'] || flags.app) {
      const pinned = await this.#pinned(loaded);
      files.push(await this.#lockFile(pinned));
      if (flags.app) for (const { image } of Object.values(pinned.services)) if (image !== undefined) images.add(image);
    }
    tell('publishing');
    const { artifacts } = await import('../../cli/compose-artifact.ts');
    const ociVersion = flags['oci-version'] === '1.0' ? '1.0' : '1.1';
    const digest = await artifacts(this.globals.config, this.signal).publish(args.repository, files, {
      ociVersion,
      images: [...images],
    });
    tell('published');
    this.print(digest);
  }

  /** Who gets the project needs the images that it builds. Without any, no engine is needed. */
  async #pushImages({ project }: Loaded): Promise<void> {
    if (!Object.values(project.services).some(({ build, image }) => build && image !== undefined)) return;
    await this.inSession({}, (session) =>
      push(session, project, { services: [], dependencies: true, ignoreFailures: false }),
    );
  }

  /** Throws where what must not go out unasked would; asks about the rest. */
  async #mayPublish(concerns: PublishConcerns, flags: { 'with-env': boolean; yes: boolean }): Promise<boolean> {
    const { buildOnly, environment, variables, bindMounts, secrets } = concerns;
    if (buildOnly.length > 0) {
      throw new IechorError(
        'COMPOSE_UNSUPPORTED',
        `your Compose stack cannot be published as it only contains a build section for service(s): ${buildOnly.join(', ')}`,
        { hint: 'give them an image name, under which the image is pushed' },
      );
    }
    const isUnasked = environment.length > 0 && !flags['with-env'];
    if (isUnasked && flags.yes) process.stderr.write(`${environment.join('\n')}\n`);
    else if (isUnasked) {
      throw new IechorError(
        'COMPOSE_UNSUPPORTED',
        `${environment.join('\n')}\nTo avoid leaking sensitive data, you must either explicitly allow the sending of environment variables by using the --with-env flag,\nor remove sensitive data from your Compose configuration`,
      );
    }
    return (
      (await this.#agreed(flags.yes, bindMounts, {
        about: [
          'you are about to publish bind mounts declaration within your OCI artifact.',
          'only the bind mount declarations will be added to the OCI artifact (not content)',
          "please double check that you are not mounting potential user's sensitive directories or data",
        ],
        question: 'Are you ok to publish these bind mount declarations?',
      })) &&
      (await this.#agreed(flags.yes, secrets, {
        about: ['you are about to publish sensitive data within your OCI artifact.', doubleCheck],
        question: 'Are you ok to publish these sensitive data?',
      })) &&
      (await this.#agreed(flags.yes, variables, {
        about: ['you are about to publish environment variables within your OCI artifact.', doubleCheck],
        question: 'Are you ok to publish these environment variables?',
      }))
    );
  }

  async #agreed(
    yes: boolean,
    lines: readonly string[],
    { about, question }: { readonly about: readonly string[]; readonly question: string },
  ): Promise<boolean> {
    if (yes || lines.length === 0) return true;
    process.stderr.write([...about, ...lines].map((line) => `${line}\n`).join(''));
    return confirm(question);
  }

  /** The project with every image pinned to what its registry has now. */
  async #pinned(loaded: Loaded): Promise<Project> {
    const { pinImages } = await import('../../compose/pin-images.ts');
    const { defaultRegistryOf } = await import('../../cli/default-registry.ts');
    const engine = await this.engine();
    const options = { signal: this.signal, defaultRegistry: () => defaultRegistryOf(engine) };
    return pinImages(engine, loaded, options);
  }

  async #lockFile(project: Project): Promise<PublishedFile> {
    const { renderLock } = await import('../../compose/pin-images.ts');
    return { name: 'image-digests.yaml', kind: 'compose', content: Buffer.from(renderLock(project, 'yaml')) };
  }
}
