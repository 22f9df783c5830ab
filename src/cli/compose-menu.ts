import { envFlag } from './env-flag.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface MenuOptions {
  /** `--menu`, `--no-menu`; undefined: COMPOSE_MENU, else whether both ends are terminals. */
  readonly asked: boolean | undefined;
  readonly environment: Environment;
  readonly detach: () => void;
  /** Undefined where no service has rules to watch by. */
  readonly toggleWatch: (() => void) | undefined;
  readonly watches: () => boolean;
  readonly showProject: () => void;
}

export interface Menu {
  /** Writes something above the line of keys. */
  write(act: () => Promise<void>): Promise<void>;
  /** Idempotent: from then on, writing is just writing. */
  readonly close: () => void;
}

const wipe = '\r\x1b[2K';

/** The line of keys while attached. Without a terminal on both sides there is none, and writing is just writing. */
export function openMenu(options: MenuOptions): Menu {
  const { stdin, stdout } = process;
  const wanted = options.asked ?? envFlag(options.environment.COMPOSE_MENU) ?? true;
  if (!wanted || !stdin.isTTY || !stdout.isTTY) return { write: (act) => act(), close: () => {} };
  const draw = () => stdout.write(`${wipe}${lineOf(options)}`);
  const above = (act: () => void) => {
    stdout.write(wipe);
    act();
    draw();
  };
  const onKey = (data: Buffer) => {
    for (const key of data.toString('utf8')) press(key, options, above);
  };
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    stdin.off('data', onKey);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(wipe);
  };
  stdin.setRawMode(true);
  stdin.on('data', onKey);
  stdin.resume();
  draw();
  return {
    async write(act) {
      if (open) stdout.write(wipe);
      await act();
      if (open) draw();
    },
    close,
  };
}

/** Keys that make sense where containers run on this machine; there is no desktop program to open. */
function lineOf({ toggleWatch, watches }: MenuOptions): string {
  const watching = toggleWatch ? [`w ${watches() ? 'Stop Watch' : 'Enable Watch'}`] : [];
  return `\x1b[2m${[...watching, 'o View Config', 'd Detach', 'Ctrl-C Stop'].join('   ')}\x1b[0m`;
}

function press(key: string, options: MenuOptions, above: (act: () => void) => void): void {
  switch (key) {
    case '\x03':
      process.kill(process.pid, 'SIGINT');
      break;
    case '\x1a':
      suspend(above);
      break;
    case 'w':
      if (options.toggleWatch) above(options.toggleWatch);
      break;
    case 'o':
      options.showProject();
      break;
    case 'd':
      options.detach();
      break;
    case '\r':
      above(() => process.stdout.write('\n'));
      break;
  }
}

/** Ctrl-Z: the terminal goes back to the shell as it was, and is taken again with `fg`. */
function suspend(above: (act: () => void) => void): void {
  process.stdin.setRawMode(false);
  process.stdout.write(wipe);
  process.once('SIGCONT', () => above(() => process.stdin.setRawMode(true)));
  process.kill(process.pid, 'SIGTSTP');
}
