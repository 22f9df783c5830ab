import { IechorError } from '../common/error.ts';
import { attached } from '../compose/attached.ts';
import { selectServices } from '../compose/plan/dependencies.ts';
import type { UpIntent } from '../compose/plan/intent.ts';
import type { Separator } from '../compose/plan/names.ts';
import type { Loaded } from '../compose/source/load.ts';
import { type UpResult, up } from '../compose/up.ts';
import type { OpenSession } from './compose-command.ts';
import { pullChoice, scales } from './compose-flags.ts';
import type { UpFlags } from './compose-up-flags.ts';
import { createLogPrinter } from './render/log-printer.ts';
import { wantsColour } from './render/renderer.ts';

export interface RunUpOptions {
  readonly services: readonly string[];
  readonly flags: UpFlags;
  readonly dryRun: boolean;
  readonly ansi: string | undefined;
  readonly separator: Separator;
}

/** `up` and `create` of the command line: flags to intent, the summary line, and the attached end. */
export async function runUp(
  session: OpenSession,
  loaded: Loaded,
  options: RunUpOptions,
): Promise<UpResult & { exit?: number }> {
  const { flags, dryRun, services, separator } = options;
  const { project, origins } = loaded;
  const intent = upIntent(flags, services);
  checkFlags(flags, project);
  const turn = (Date.now() / 1000).toFixed(3);
  const began = performance.now();
  const scale = scales(flags.scale);
  for (const name of Object.keys(scale)) {
    if (!Object.hasOwn(project.services, name)) throw new IechorError('SERVICE_NOT_FOUND', `no such service: ${name}`);
  }
  const result = await up(session, project, intent, {
    scale,
    separator,
    dryRun,
    spanOf: (...path) => origins.spans(path),
  });
  session.renderer.finish();
  if (dryRun) return result;
  const { containers, changed } = result;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  session.renderer.summary(
    `${containers} ${containers === 1 ? 'container' : 'containers'} ${intent.start ? 'up' : 'created'} (${changed} changed) in ${seconds} s`,
  );
  if (!intent.start || intent.wait || flags.detach) return result;
  return { ...result, exit: await followUp(session, loaded, { ...options, turn }) };
}

function upIntent(flags: UpFlags, services: readonly string[]): UpIntent {
  return {
    services,
    dependencies: !flags['no-deps'],
    recreate: flags['force-recreate'] ? 'force' : flags['no-recreate'] ? 'never' : 'diverged',
    recreateDependencies: flags['always-recreate-deps'] ?? false,
    renewAnonymousVolumes: flags['renew-anon-volumes'] ?? false,
    removeOrphans: flags['remove-orphans'] || isTrue(process.env.COMPOSE_REMOVE_ORPHANS),
    ignoreOrphans: isTrue(process.env.COMPOSE_IGNORE_ORPHANS),
    containers: true,
    start: !flags['no-start'],
    wait: flags.wait ?? false,
    waitTimeoutSeconds: flags['wait-timeout'],
    timeoutSeconds: flags.timeout,
    build: flags['no-build'] ? 'never' : flags.build ? 'always' : 'missing',
    pull: pullChoice(flags.pull),
  };
}

const isTrue = (text: string | undefined): boolean => /^(1|true|yes|on|t|y)$/i.test(text ?? '');

const exclusive: readonly (readonly [keyof UpFlags, keyof UpFlags])[] = [
  ['build', 'no-build'],
  ['force-recreate', 'no-recreate'],
  ['detach', 'abort-on-container-exit'],
  ['detach', 'abort-on-container-failure'],
  ['detach', 'attach'],
  ['detach', 'exit-code-from'],
  ['wait', 'abort-on-container-exit'],
  ['always-recreate-deps', 'no-recreate'],
];

function checkFlags(flags: UpFlags, project: Loaded['project']): void {
  for (const [a, b] of exclusive) {
    if (flags[a] && flags[b]) throw new IechorError('USAGE', `--${a} and --${b} cannot be given together`);
  }
  for (const name of [
    ...(flags.attach ?? []),
    ...(flags['no-attach'] ?? []),
    ...(flags['exit-code-from'] ? [flags['exit-code-from']] : []),
  ]) {
    if (!Object.hasOwn(project.services, name)) throw new IechorError('SERVICE_NOT_FOUND', `no such service: ${name}`);
  }
}

/** Shows the containers' output until they end. */
function followUp(
  session: OpenSession,
  { project }: Loaded,
  options: RunUpOptions & { turn: string },
): Promise<number> {
  const { flags, services, ansi, turn } = options;
  const all = [...selectServices(project, services, true)];
  const shown = flags.attach?.length
    ? flags.attach
    : [...selectServices(project, services, flags['attach-dependencies'] ?? false)].filter(
        (name) => project.services[name]?.attach !== false,
      );
  const print = createLogPrinter(project.name, {
    colour: !flags['no-color'] && wantsColour(ansi, process.env, process.stdout.isTTY ?? false),
    prefix: !flags['no-log-prefix'],
    timestamps: flags.timestamps ?? false,
  });
  const onExit = flags['abort-on-container-exit'] || flags['exit-code-from'] !== undefined;
  return attached(
    session,
    { project: project.name },
    {
      services: shown.filter((name) => !flags['no-attach']?.includes(name)),
      stops: all,
      turn,
      print,
      abortOn: onExit ? 'exit' : flags['abort-on-container-failure'] ? 'failure' : 'none',
      exitCodeFrom: flags['exit-code-from'],
      timeoutSeconds: flags.timeout,
    },
  );
}
