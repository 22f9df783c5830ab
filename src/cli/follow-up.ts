import { attached } from '../compose/attached.ts';
import type { LogLine } from '../compose/logs.ts';
import { selectServices } from '../compose/plan/dependencies.ts';
import { withoutProviders } from '../compose/plan/providers.ts';
import type { Loaded } from '../compose/source/load.ts';
import type { UpOptions } from '../compose/up.ts';
import type { OpenSession } from './compose-command.ts';
import { openMenu } from './compose-menu.ts';
import type { UpFlags } from './compose-up-flags.ts';
import { runWatch } from './compose-watch.ts';
import { createLogPrinter } from './render/log-printer.ts';
import { wantsColour } from './render/renderer.ts';

export interface FollowUp {
  readonly services: readonly string[];
  readonly flags: UpFlags;
  readonly ansi: string | undefined;
  /** Lines from this moment on, in seconds since the epoch. */
  readonly turn: string;
  readonly upOptions: UpOptions;
}

/** Shows the containers' output until they end, or the user leaves them; watches files meanwhile where asked to. */
export async function followUp(session: OpenSession, loaded: Loaded, options: FollowUp): Promise<number> {
  const project = withoutProviders(loaded.project);
  const { flags, ansi } = options;
  const colour = !flags['no-color'] && wantsColour(ansi, process.env, process.stdout.isTTY ?? false);
  const printLine = createLogPrinter(project.name, {
    colour,
    prefix: !flags['no-log-prefix'],
    timestamps: flags.timestamps ?? false,
  });
  const detaching = new AbortController();
  const watching = createWatching(session, loaded, { ...options, print: (line) => menu.write(() => printLine(line)) });
  const menu = openMenu({
    asked: flags.menu,
    environment: process.env,
    detach: () => detaching.abort(),
    toggleWatch: watching.possible ? watching.toggle : undefined,
    watches: watching.on,
    showProject: () => void menu.write(() => showProject(loaded)),
  });
  session.signal.addEventListener('abort', menu.close, { once: true });
  if (flags.watch) watching.toggle();
  try {
    return await attached(
      session,
      { project: project.name },
      {
        ...shownAndStopped(project, options),
        turn: options.turn,
        project,
        print: (line) => menu.write(() => printLine(line)),
        abortOn: abortOn(flags),
        exitCodeFrom: flags['exit-code-from'],
        timeoutSeconds: flags.timeout,
        detach: detaching.signal,
        held: () => watching.on() && !session.signal.aborted,
      },
    );
  } finally {
    session.signal.removeEventListener('abort', menu.close);
    menu.close();
    await watching.stop();
  }
}

async function showProject({ project }: Loaded): Promise<void> {
  const { renderConfig } = await import('../compose/config.ts');
  process.stdout.write(renderConfig(project, 'yaml'));
}

function abortOn(flags: UpFlags): 'exit' | 'failure' | 'none' {
  if (flags['abort-on-container-exit'] || flags['exit-code-from'] !== undefined) return 'exit';
  return flags['abort-on-container-failure'] ? 'failure' : 'none';
}

function shownAndStopped(project: Loaded['project'], { flags, services }: FollowUp) {
  const shown = flags.attach?.length
    ? flags.attach
    : selected(project, services, flags['attach-dependencies'] ?? false).filter(
        (name) => project.services[name]?.attach !== false,
      );
  return {
    services: shown.filter((name) => !flags['no-attach']?.includes(name)),
    stops: selected(project, services, true),
  };
}

/** The named services that have containers; none: all of them. */
function selected(project: Loaded['project'], services: readonly string[], dependencies: boolean): string[] {
  return [...selectServices(project, services, dependencies)].filter((name) => Object.hasOwn(project.services, name));
}

interface Watching {
  /** Some service has rules. */
  readonly possible: boolean;
  readonly on: () => boolean;
  readonly toggle: () => void;
  readonly stop: () => Promise<void>;
}

function createWatching(
  session: OpenSession,
  loaded: Loaded,
  { services, upOptions, print }: FollowUp & { readonly print: (line: LogLine) => Promise<void> },
): Watching {
  let running: { readonly end: AbortController; readonly done: Promise<void> } | undefined;
  const start = () => {
    const end = new AbortController();
    const line = (text: string, from?: { readonly name: string; readonly service: string }) => {
      const source = { number: 1, ...(from ?? { name: 'watch', service: 'watch' }) };
      void print({ from: source, stream: 'stdout', time: '', text });
    };
    const done = runWatch(session, loaded, {
      services,
      prune: true,
      quiet: false,
      line,
      upOptions,
      signal: AbortSignal.any([end.signal, session.signal]),
    }).catch((error: unknown) => {
      line(`watching ended: ${error instanceof Error ? error.message : String(error)}`);
      running = undefined;
    });
    running = { end, done };
  };
  const stop = async () => {
    const { end, done } = running ?? {};
    running = undefined;
    end?.abort();
    await done;
  };
  return {
    possible: [...selectServices(loaded.project, services, false)].some(
      (name) => (loaded.project.services[name]?.develop?.watch ?? []).length > 0,
    ),
    on: () => running !== undefined,
    toggle: () => (running ? void stop() : start()),
    stop,
  };
}
