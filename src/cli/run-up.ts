import { IechorError } from '../common/error.ts';
import type { UpIntent } from '../compose/plan/intent.ts';
import type { Separator } from '../compose/plan/names.ts';
import type { Loaded } from '../compose/source/load.ts';
import { type UpOptions, type UpResult, up } from '../compose/up.ts';
import type { OpenSession } from './compose-command.ts';
import { pullChoice, scales } from './compose-flags.ts';
import { envFlag } from './env-flag.ts';
import type { UpFlags } from './compose-up-flags.ts';

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
  const { flags, dryRun, services } = options;
  const { project } = loaded;
  const intent = upIntent(flags, services, project.environment);
  checkFlags(flags, project);
  if (flags.watch) (await import('../compose/watch.ts')).watchTriggers(project, services);
  const upOptions = upOptionsOf(loaded, options);
  if (dryRun) {
    const result = await up(session, project, intent, { ...upOptions, dryRun });
    session.renderer.finish();
    return result;
  }
  let result: UpResult = { images: [], plan: [], containers: 0, changed: 0 };
  const start = async () => {
    const began = performance.now();
    result = await up(session, project, intent, upOptions);
    session.renderer.finish();
    const { containers, changed } = result;
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    session.renderer.summary(
      `${containers} ${containers === 1 ? 'container' : 'containers'} ${intent.start ? 'up' : 'created'} (${changed} changed) in ${seconds} s`,
    );
  };
  if (!intent.start || intent.wait || flags.detach) {
    await start();
    return result;
  }
  const { followUp } = await import('./follow-up.ts');
  const exit = await followUp(session, loaded, { ...options, start, upOptions });
  return { ...result, exit };
}

/** What `up` is to know beside the intent. Throws SERVICE_NOT_FOUND, and USAGE for what is no number of replicas. */
export function upOptionsOf(
  { project, origins }: Loaded,
  { flags, separator }: Pick<RunUpOptions, 'flags' | 'separator'>,
): UpOptions {
  const scale = scales(flags.scale);
  for (const name of Object.keys(scale)) {
    if (!Object.hasOwn(project.services, name)) throw new IechorError('SERVICE_NOT_FOUND', `no such service: ${name}`);
  }
  return { scale, separator, spanOf: (...path) => origins.spans(path) };
}

function upIntent(
  flags: UpFlags,
  services: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): UpIntent {
  return {
    services,
    dependencies: !flags['no-deps'],
    recreate:
      flags['force-recreate'] || flags['renew-anon-volumes'] ? 'force' : flags['no-recreate'] ? 'never' : 'diverged',
    rolling: flags.rolling === undefined ? 'file' : flags.rolling ? 'always' : 'never',
    keepFailed: flags['keep-failed'],
    recreateDependencies: flags['always-recreate-deps'] ?? false,
    renewAnonymousVolumes: flags['renew-anon-volumes'] ?? false,
    removeOrphans: wantsOrphansGone(flags, environment),
    ignoreOrphans: envFlag(environment.COMPOSE_IGNORE_ORPHANS) === true,
    containers: true,
    start: !flags['no-start'],
    wait: flags.wait ?? false,
    waitTimeoutSeconds: flags['wait-timeout'],
    timeoutSeconds: flags.timeout,
    build: flags['no-build'] ? 'never' : flags.build ? 'always' : 'missing',
    pull: pullChoice(flags.pull),
  };
}

function wantsOrphansGone(flags: UpFlags, environment: Readonly<Record<string, string | undefined>>): boolean {
  const wanted = flags['remove-orphans'] || envFlag(environment.COMPOSE_REMOVE_ORPHANS) === true;
  if (wanted && envFlag(environment.COMPOSE_IGNORE_ORPHANS) === true)
    throw new IechorError('USAGE', 'cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans');
  return wanted;
}

const exclusive: readonly (readonly [keyof UpFlags, keyof UpFlags])[] = [
  ['build', 'no-build'],
  ['force-recreate', 'no-recreate'],
  ['detach', 'abort-on-container-exit'],
  ['detach', 'abort-on-container-failure'],
  ['detach', 'attach'],
  ['detach', 'exit-code-from'],
  ['detach', 'watch'],
  ['detach', 'menu'],
  ['detach', 'attach-dependencies'],
  ['wait', 'watch'],
  ['wait', 'attach'],
  ['wait', 'attach-dependencies'],
  ['no-build', 'watch'],
  ['attach', 'attach-dependencies'],
  ['abort-on-container-exit', 'abort-on-container-failure'],
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
