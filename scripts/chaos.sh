#!/bin/sh
# `npm run chaos -- [options]`, `npm run chaos:transfers -- [options]`: see test/chaos/README.md.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. scripts/node.sh
main=chaos-main.ts
if [ "${1-}" = --transfers ]; then
  main=transfers-main.ts
  shift
fi
exec "$node" --disable-warning=ExperimentalWarning "test/chaos/$main" "$@"
