import { describe, expect, test } from '@jest/globals';
import { globalFlags } from '../../../../src/cli/globals.ts';
import { commands } from '../../../../src/commands/table.ts';

/** What Docker Compose 2.40 accepts, command by command; `-x` names the short form. */
const known: Readonly<Record<string, string>> = {
  attach: '--detach-keys --index --no-stdin --sig-proxy',
  build:
    '--build-arg --builder --check -m --memory --no-cache --print --provenance --pull --push -q --quiet --sbom --ssh --with-dependencies',
  commit: '-a --author -c --change --index -m --message -p --pause',
  config:
    '--environment --format --hash --images --lock-image-digests --models --networks --no-consistency --no-env-resolution --no-interpolate --no-normalize --no-path-resolution -o --output --profiles -q --quiet --resolve-image-digests --services --variables --volumes',
  cp: '--all -a --archive -L --follow-link --index',
  create: '--build --force-recreate --no-build --no-recreate --pull --quiet-pull --remove-orphans --scale -y --yes',
  down: '--remove-orphans --rmi -t --timeout -v --volumes',
  events: '--json --since --until',
  exec: '-d --detach -e --env --index -T --no-tty --privileged -u --user -w --workdir',
  export: '--index -o --output',
  images: '--format -q --quiet',
  kill: '--remove-orphans -s --signal',
  logs: '-f --follow --index --no-color --no-log-prefix --since -n --tail -t --timestamps --until',
  ls: '-a --all --filter --format -q --quiet',
  pause: '',
  port: '--index --protocol',
  ps: '-a --all --filter --format --no-trunc --orphans -q --quiet --services --status',
  pull: '--ignore-buildable --ignore-pull-failures --include-deps --policy -q --quiet',
  restart: '--no-deps -t --timeout',
  rm: '-f --force -s --stop -v --volumes',
  run: '--build --cap-add --cap-drop -d --detach --entrypoint -e --env --env-from-file -i --interactive -l --label --name -T --no-TTY --no-deps -p --publish --pull -q --quiet --quiet-build --quiet-pull --remove-orphans --rm -P --service-ports --use-aliases -u --user -v --volume -w --workdir',
  scale: '--no-deps',
  start: '--wait --wait-timeout',
  stats: '-a --all --format --no-stream --no-trunc',
  stop: '-t --timeout',
  top: '',
  unpause: '',
  up: '--abort-on-container-exit --abort-on-container-failure --always-recreate-deps --attach --attach-dependencies --build -d --detach --exit-code-from --force-recreate --menu --no-attach --no-build --no-color --no-deps --no-log-prefix --no-recreate --no-start --pull --quiet-build --quiet-pull --remove-orphans -V --renew-anon-volumes --scale -t --timeout --timestamps --wait --wait-timeout -w --watch -y --yes',
  version: '-f --format --short',
  volumes: '--format -q --quiet',
  wait: '--down-project',
  watch: '--no-up --prune --quiet',
  'alpha viz': '--image --indentation-size --networks --ports --spaces',
};

interface FlagRow {
  readonly char?: string;
  readonly aliases?: readonly string[];
}

async function flagsOf(words: string): Promise<Set<string>> {
  const row = commands[`compose ${words}`];
  if (!row) throw new Error(`there is no compose ${words}`);
  const { default: command } = await row.load();
  const flags = Object.entries({ ...command.baseFlags, ...command.flags } as Record<string, FlagRow>);
  return new Set(
    flags.flatMap(([name, { char, aliases = [] }]) => [
      `--${name}`,
      ...aliases.map((alias) => `--${alias}`),
      ...(char ? [`-${char}`] : []),
    ]),
  );
}

describe('compose knows every flag of Docker Compose', () => {
  test.each(Object.entries(known))('%s', async (words, text) => {
    const flags = await flagsOf(words);
    const missing = [...text.split(' ').filter(Boolean), '--dry-run'].filter((flag) => !flags.has(flag));
    expect(missing).toEqual([]);
  });

  test('before the command', () => {
    const names = new Set(globalFlags.flatMap((flag) => flag.names));
    const wanted =
      '-f --file -p --project-name --project-directory --profile --env-file --ansi --progress --dry-run --parallel --all-resources --compatibility --verbose --no-ansi --workdir';
    expect(wanted.split(' ').filter((name) => !names.has(name))).toEqual([]);
  });
});
