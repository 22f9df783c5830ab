import { resolve } from 'node:path';
import type { EngineApi } from '../../api/engine-api.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { codeOf, IechorError } from '../../common/error.ts';
import { generate } from '../../compose/generate/generate.ts';
import type { Seen } from '../../compose/generate/service.ts';

export default class Generate extends ComposeCommand {
  static override summary = 'Print a compose file that makes containers such as these';
  static override synopsis = '[OPTIONS] CONTAINER...';
  static override strict = false;
  static override flags = {
    format: Flags.string({ summary: 'Form of the file', options: ['yaml', 'json'], default: 'yaml' }),
    name: Flags.string({ summary: 'Name of the project, to be in the file' }),
    'project-dir': Flags.string({ summary: 'Where the file is to lie: what is below it is named from there' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Generate);
    const names = argv as string[];
    if (names.length === 0) throw new IechorError('USAGE', 'at least one container must be specified');
    const engine = await this.engine();
    const containers: Seen[] = [];
    for (const name of names) containers.push(await this.#seen(engine, name));
    const volumes = (await engine.volumeList({ signal: this.signal })).Volumes ?? [];
    const networks = await engine.networkList({ signal: this.signal });
    const directory = flags['project-dir'];
    const text = generate(
      { containers, networks, volumes },
      {
        name: flags.name,
        directory: directory === undefined ? undefined : resolve(directory),
        format: flags.format as 'yaml' | 'json',
      },
    );
    this.print(text.trimEnd());
  }

  /** The container with what its image says; that may be gone. */
  async #seen(engine: EngineApi, id: string): Promise<Seen> {
    const container = await engine.containerInspect({ id, signal: this.signal });
    try {
      const { Config: image } = await engine.imageInspect({ name: container.Image, signal: this.signal });
      return { container, image };
    } catch (error) {
      if (!['IMAGE_NOT_FOUND', 'NOT_FOUND'].includes(codeOf(error) ?? '')) throw error;
      return { container, image: undefined };
    }
  }
}
