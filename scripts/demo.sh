#!/bin/sh
# Brings examples/guestbook up on iEchor's own engine, with all set-up; `--down` removes everything again.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
iechor=$root/bin/iechor
project=$root/examples/guestbook/compose.yaml
base=debian:bookworm-slim
record=$root/.demo/debian-packages
port=${GUESTBOOK_PORT:-8000}

say() { echo "demo: $*" >&2; }

# What cannot be installed is named before anything is changed.
preflight() {
  lacking=
  [ "$(uname -s)" = Linux ] || lacking="$lacking\n  - Linux (this is $(uname -s))"
  [ "$(id -u)" = 0 ] || lacking="$lacking\n  - root rights: run it with sudo"
  case $(uname -m) in x86_64 | aarch64) ;; *) lacking="$lacking\n  - a 64-bit x86 or ARM processor (this is $(uname -m))" ;; esac
  grep -qw overlay /proc/filesystems || modprobe -n overlay 2>/dev/null || lacking="$lacking\n  - overlayfs in the kernel"
  command -v npm >/dev/null || lacking="$lacking\n  - npm: apt-get install npm"
  for program in crun conmon nft ip mmdebstrap; do
    command -v "$program" >/dev/null || command -v apt-get >/dev/null || lacking="$lacking\n  - $program (no apt-get to install it with)"
  done
  [ -z "$lacking" ] && return
  printf 'demo: this machine cannot run it; nothing was changed. Missing:%b\n' "$lacking" >&2
  exit 1
}

ensure_base_image() {
  if "$iechor" image inspect "$base" >/dev/null 2>&1; then return; fi
  say "pulling the base image $base"
  if "$iechor" pull --quiet "$base" >/dev/null 2>&1; then return; fi
  say "no registry can be reached: making $base from the distribution's packages with mmdebstrap instead"
  "$iechor" image bootstrap "$base"
}

up() {
  preflight
  sh scripts/setup.sh --record "$record"
  ensure_base_image
  "$iechor" -f "$project" up -d --build --wait
  say "the guestbook is at http://127.0.0.1:$port"
  say "look around: bin/iechor -f examples/guestbook/compose.yaml ps    remove it: npm run demo -- --down"
}

down() {
  if [ ! -f dist/iechor-main.js ]; then
    say "nothing is installed here"
    return
  fi
  "$iechor" -f "$project" down -v --rmi all --remove-orphans
  if [ -z "$("$iechor" ps -aq)" ]; then
    # Nothing else uses the engine: it goes with all it stored.
    "$iechor" daemon stop --purge
  fi
  if [ -s "$record" ]; then
    say "removing the Debian packages that the demo installed: $(tr '\n' ' ' <"$record")"
    # shellcheck disable=SC2046
    DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq --autoremove $(cat "$record") >/dev/null
    rm -rf "$root/.demo"
  fi
  say "everything is gone but this directory (node_modules, dist)"
}

case ${1:-} in
  "") up ;;
  --down) down ;;
  *) echo "usage: npm run demo [-- --down]" >&2; exit 1 ;;
esac
