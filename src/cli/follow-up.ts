import { attached } from '../compose/attached.ts';
import type { LogLine } from '../compose/log-source.ts';
import { selectServices } from '../compose/plan/dependencies.ts';
import { desiredOf } from '../compose/plan/desired.ts';
import { withoutProviders } from '../compose/plan/providers.ts';
import type { Loaded } from '../compose/source/load.ts';
import type { UpOptions } from '../compose/up.ts';
import type { OpenSession } from './compose-command.ts';
import { type Menu, openMenu } from './compose-menu.ts';
import type { UpFlags } from './compose-up-flags.ts';
import { runWatch } from './compose-watch.ts';
import { shortName } from './render/log-prefix.ts';
import { createLogPrinter } from './render/log-printer.ts';
import { wantsColour } from './render/renderer.ts';

export interface FollowUp {
  readonly services: readonly string[];
  readonly flags: UpFlags;
  readonly ansi: string | undefined;
  /** Brings the containers. What they write is shown from its beginning on. */
  readonly start: () => Promise<void>;
  readonly upOptions: UpOptions;
}

/**
 * Brings the containers and shows their output until they end, or the user leaves them; watches files meanwhile where
 * asked to.
 */
export async function followUp(session: OpenSession, loaded: Loaded, options: FollowUp): Promise<number> {
  const project = withoutProviders(loaded.project);
  const { flags, ansi } = options;
  const colour = !flags['no-color'] && wantsColour(ansi, process.env, process.stdout.isTTY ?? false);
  const selection = shownAndStopped(project, options);
  const names = namesOf(project, selection.shown, options.upOptions);
  const printLine = createLogPrinter(project.name, {
    colour,
    prefix: !flags['no-log-prefix'],
    timestamps: flags.timestamps ?? false,
    streams: true,
    names,
  });
  const detaching = new AbortController();
  let menu: Menu | undefined;
  const write = (act: () => Promise<void>) => (menu ?? { write: session.renderer.above }).write(act);
  const greet = once(() => void (names.length > 0 && process.stdout.write(`Attaching to ${names.join(', ')}\n`)));
  const print = (line: LogLine) =>
    write(() => {
      greet();
      return printLine(line);
    });
  const watching = createWatching(session, loaded, { ...options, print });
  const close = () => menu?.close();
  const begin = async () => {
    await options.start();
    greet();
    if (session.signal.aborted) return;
    menu = openMenu({
      asked: flags.menu,
      environment: process.env,
      detach: () => detaching.abort(),
      toggleWatch: watching.possible ? watching.toggle : undefined,
      watches: watching.on,
      showProject: () => void write(() => showProject(loaded)),
    });
    if (flags.watch) watching.toggle();
  };
  session.signal.addEventListener('abort', close, { once: true });
  try {
    return await attached(
      session,
      { project: project.name, known: Object.keys(loaded.project.services) },
      {
        ...selection,
        start: begin,
        turn: (Date.now() / 1000).toFixed(3),
        project,
        print,
        abortOn: abortOn(flags),
        exitCodeFrom: flags['exit-code-from'],
        timeoutSeconds: flags.timeout,
        detach: detaching.signal,
        held: () => watching.on() && !session.signal.aborted,
      },
    );
  } finally {
    session.signal.removeEventListener('abort', close);
    close();
    await watching.stop();
  }
}

/** Short names of the containers whose output is shown. */
function namesOf(project: Loaded['project'], services: readonly string[], options: UpOptions): string[] {
  const desired = desiredOf(project, options);
  return services
    .flatMap((service) => {
      const { scale = 0, containerName } = desired.services.get(service) ?? {};
      return Array.from({ length: scale }, (_, at) => ({ name: containerName?.(at + 1) ?? '', service }));
    })
    .map((from) => shortName(project.name, from))
    .sort();
}

function once(act: () => void): () => void {
  let left = true;
  return () => {
    if (left) act();
    left = false;
  };
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
  const listed = shown.filter((name) => !flags['no-attach']?.includes(name));
  const named = selected(project, services, false);
  return { shown: listed, counted: services.length > 0 ? named : listed, stops: named };
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
