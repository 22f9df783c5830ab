import { bytesFlag } from '../../cli/bytes-flag.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { assignments, composeFlags } from '../../cli/compose-flags.ts';
import { Flags } from '../../cli/flags.ts';
import { readAgents } from '../../cli/ssh-agents.ts';
import { IechorError } from '../../common/error.ts';
import { type BuildChoice, build, checkBuilds, push } from '../../compose/images.ts';
import type { Project } from '../../compose/model/project.ts';

const ineffective = ['compress', 'force-rm', 'no-rm', 'parallel'] as const;
/** Since the first Compose: they have no meaning for today's builders, and did nothing for years. */
const without = () => Flags.boolean({ hidden: true, summary: 'Has no effect' });

export default class Build extends ComposeCommand {
  static override summary = 'Build the images of services';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    'build-arg': Flags.string({ summary: 'Set a build argument', multiple: true, multipleNonGreedy: true }),
    builder: Flags.string({ summary: 'Builder to use (default: the only one)' }),
    check: Flags.boolean({ summary: 'Check the build files, and build nothing' }),
    compress: without(),
    'force-rm': without(),
    memory: Flags.string({ char: 'm', summary: 'Memory limit of RUN steps' }),
    'no-cache': Flags.boolean({ summary: 'Run every step again' }),
    'no-rm': without(),
    parallel: without(),
    print: Flags.boolean({ summary: 'Print the builds as a bake file (JSON) and build nothing' }),
    progress: Flags.string({
      summary: 'As the global flag',
      options: ['auto', 'tty', 'plain', 'json', 'quiet'],
      hidden: true,
    }),
    provenance: Flags.string({ summary: 'Say of the images how they were built: true, false, mode=min, mode=max' }),
    pull: Flags.boolean({ summary: 'Look for newer base images' }),
    push: Flags.boolean({ summary: 'Push the images when all are built' }),
    quiet: { ...composeFlags.quiet, summary: 'No output but the ids of the images' },
    sbom: Flags.string({ summary: 'Say of the images what software they have: true, false, generator=IMAGE' }),
    ssh: Flags.string({
      summary: 'Give RUN --mount=type=ssh and ADD an agent (default, ID=SOCKET, or ID=KEY[,KEY])',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'with-dependencies': Flags.boolean({ summary: 'Build also what the services depend on' }),
  };

  async run(): Promise<number> {
    const { flags, argv } = await this.parse(Build);
    checkBuilder(flags.builder ?? process.env.BUILDX_BUILDER);
    const services = argv as string[];
    const dryRun = this.isDryRun(flags);
    const { project } = await this.project(services);
    const buildFlags = {
      buildArgs: assignments(flags['build-arg']),
      noCache: flags['no-cache'],
      pull: flags.pull,
      memoryBytes: bytesFlag('memory', flags.memory),
      provenance: flags.provenance,
      sbom: flags.sbom,
      ssh: readAgents(flags.ssh, process.env),
    };
    if (flags.print) {
      const { renderBake } = await import('../../compose/bake.ts');
      const { selectServices } = await import('../../compose/plan/dependencies.ts');
      const chosen = selectServices(project, services, flags['with-dependencies']);
      this.print(renderBake(project, { ...buildFlags, services: chosen, push: flags.push }));
      return 0;
    }
    const choice = { services, dependencies: flags['with-dependencies'], flags: buildFlags };
    if (flags.check) return this.#check(project, choice);
    const progress = flags.progress ?? this.globals.progress;
    await this.inSession({ quiet: flags.quiet, dryRun, progress }, async (session) => {
      for (const name of ineffective) if (flags[name]) session.notice(`--${name} has no effect`);
      const { plan, imageIds } = await build(session, project, { ...choice, dryRun });
      const pushed = flags.push ? await push(session, project, { ...choice, ignoreFailures: false, dryRun }) : [];
      if (dryRun) this.printPlan(plan, pushed);
      else if (flags.quiet) for (const id of imageIds) this.print(id);
    });
    return 0;
  }

  /** Prints what is found in the build files of services. 1 where something is. */
  async #check(project: Project, choice: BuildChoice): Promise<number> {
    const { printCalled } = await import('../../cli/build-call.ts');
    const print = (text: string) => this.print(text);
    return this.inSession({}, async (session) => {
      let exit = 0;
      for await (const { service, messages } of checkBuilds(session, project, choice)) {
        this.print(`${service}\n`);
        exit = Math.max(exit, await printCalled(messages, { name: 'check', format: 'text', print }));
      }
      return exit;
    });
  }
}

/** The engine is the builder. Throws USAGE for the name of another one. */
function checkBuilder(name: string | undefined): void {
  if (!name || name === 'default') return;
  throw new IechorError('USAGE', `there is no builder "${name}"`, {
    hint: 'the engine builds, by the name of default',
  });
}
